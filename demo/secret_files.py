"""Secrets of the local Airflow: made once, kept in files that only their owner can read."""

import secrets
from pathlib import Path


def secret_file(home: Path, name: str) -> Path:
    """Return the file of a secret, which is made on first use."""
    path = home / "secrets" / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12 if name == "password" else 48))  # people type the password
    return path


def secret(home: Path, name: str) -> str:
    """Return the secret of a name, which is made on first use."""
    return secret_file(home, name).read_text()
