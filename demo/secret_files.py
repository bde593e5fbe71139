"""Secrets of the local Airflow: made once, kept in files that only their owner can read."""

import secrets
from pathlib import Path


def secret_file(home: Path, name: str, size: int = 48) -> Path:
    """Return the file of a secret, which is made on first use.

    Parameters
    ----------
    home
        Folder of the Airflow whose secret it is.
    name
        Name of the secret.
    size
        Random bytes of a new one.
    """
    path = home / "secrets" / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(size))
    return path


def secret(home: Path, name: str, size: int = 48) -> str:
    """Return a secret; see `secret_file`."""
    return secret_file(home, name, size).read_text()
