"""Whether a webhook comes from whom it says: signed with a secret of the loop, as Standard Webhooks has it."""

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

from gateway.api_keys import add_entry
from gateway.refusals import Refusal
from gateway.watched_file import WatchedFile
from include.foundation.errors import ConfigError

PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64  # of a secret
OTHERS = 0o007  # permissions of whoever is neither owner nor group
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class WebhookSecrets:
    """The secrets that senders sign their messages with, read again when their file changes.

    Parameters
    ----------
    path
        A JSON file: by loop, a secret by the name of whoever has it. A signature needs the secret itself, so no digests are
        kept, and whoever is neither owner nor group must not be able to read the file.

    Raises
    ------
    ConfigError
        If it cannot be read, others can read it, or it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, _signers, "secrets of webhooks")

    def look(self) -> None:
        """Read the file if it was written since; one that cannot be read leaves the secrets as they are."""
        self._file.look()

    def demand_signed(self, loop: str, headers: Mapping[str, str], body: bytes) -> None:
        """Refuse a message that nobody signed who has a secret of the loop, or that was signed 5 minutes ago or longer.

        Parameters
        ----------
        loop
            Name of the loop.
        headers
            Those of `HEADERS`, by lower-case name.
        body
            As it came.

        Raises
        ------
        Refusal
            401, which does not say what is wrong with the signature.
        """
        for signer in self._file.content.get(loop, []):
            try:
                signer.verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError):  # the latter of what is no signature at all
                continue
            return
        advice = "sign it with a secret of the loop, as Standard Webhooks has it, and send it within 5 minutes"
        raise Refusal(401, f"The message is not signed; {advice}")


def add_secret(path: Path, loop: str, name: str) -> str:
    """Write a new secret into a file, which is made if there is none, and return it.

    Parameters
    ----------
    path
        Of the file.
    loop
        That it is for.
    name
        Of who signs with it.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has a secret of this name already.
    """
    secret = PREFIX + base64.b64encode(secrets.token_bytes(FEWEST_BYTES)).decode()
    add_entry(path, _read(path) if path.exists() else {}, (loop, name), secret)
    return secret


def _signers(path: Path) -> dict[str, list[Webhook]]:
    return {loop: [Webhook(secret) for secret in by_name.values()] for loop, by_name in _read(path).items()}


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        mode, content = path.stat().st_mode, json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: the file of secrets cannot be read: {error}") from error
    if mode & OTHERS:
        raise ConfigError(f"{path}: others can read the secrets of webhooks; chmod 640 it")
    by_loop = content.values() if isinstance(content, dict) else [None]
    if not all(isinstance(by_name, dict) and all(map(_is_secret, by_name.values())) for by_name in by_loop):
        raise ConfigError(
            f'{path}: expected {{"loop": {{"name": "{PREFIX}…"}}}}, with {FEWEST_BYTES} to {MOST_BYTES} bytes in Base64'
        )
    return dict(content)


def _is_secret(text: object) -> bool:
    if not isinstance(text, str) or not text.startswith(PREFIX):
        return False
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        return False
    return FEWEST_BYTES <= len(secret) <= MOST_BYTES
