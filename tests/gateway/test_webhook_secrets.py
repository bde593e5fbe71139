import base64
import hashlib
import hmac
import json
import time

import pytest

from gateway.make_key import main
from gateway.refusals import Refusal
from gateway.webhook_secrets import HEADERS, WebhookSecrets, add_secret
from include.foundation.errors import ConfigError


def signed(secret, body, moment=None, message_id="m1"):
    """Return the headers of a message, signed by the words of the standard."""
    moment = str(int(time.time() if moment is None else moment))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{moment}.".encode() + body, hashlib.sha256)
    return dict(zip(HEADERS, (message_id, moment, f"v1,{base64.b64encode(digest).decode()}"), strict=True))


def is_taken(secrets, headers, body=b"{}", loop="wire"):
    try:
        secrets.demand_signed(loop, headers, body)
    except Refusal as refusal:
        return refusal.status != 401
    return True


@pytest.fixture
def path(tmp_path):
    return tmp_path / "webhooks.json"


def test_message_is_taken_if_a_secret_of_its_loop_signed_it(path):
    first, second, other = add_secret(path, "wire", "a"), add_secret(path, "wire", "b"), add_secret(path, "mail", "a")
    secrets = WebhookSecrets(path)
    assert [is_taken(secrets, signed(secret, b"{}")) for secret in (first, second, other)] == [True, True, False]
    assert not is_taken(secrets, signed(first, b"{}"), loop="none")
    several = signed(first, b"{}")
    several["webhook-signature"] = f"v1a,abc v1,AAAA {several['webhook-signature']}"
    assert is_taken(secrets, several)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "m2"}, {"webhook-id": ""}, {"webhook-timestamp": "1"}, {"webhook-timestamp": ""},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "9" * 40}, {"webhook-signature": ""}, {"webhook-signature": "v1,"}, {"webhook-signature": "v1"},
        {"webhook-signature": "v1,\xff"}, {"webhook-signature": "v1,a,b"}, {"body": b'{"a": 1}'}, {"body": b"\xff"},
    ],
    ids=str,
)  # fmt: skip
def test_message_that_was_changed_is_refused(path, change):
    headers = signed(add_secret(path, "wire", "a"), b"{}")
    body = change.get("body", b"{}")
    assert not is_taken(WebhookSecrets(path), headers | {name: change[name] for name in change if name != "body"}, body)


@pytest.mark.parametrize(("seconds", "taken"), [(-290, True), (290, True), (-310, False), (310, False)])
def test_message_is_taken_for_five_minutes(path, seconds, taken):
    secret = add_secret(path, "wire", "a")
    assert is_taken(WebhookSecrets(path), signed(secret, b"{}", time.time() + seconds)) is taken


def test_secrets_are_rotated_and_a_broken_file_changes_nothing(path, caplog):
    old = add_secret(path, "wire", "2026")
    secrets = WebhookSecrets(path)
    new = add_secret(path, "wire", "2027")
    secrets.look()
    assert is_taken(secrets, signed(old, b"{}"))
    assert is_taken(secrets, signed(new, b"{}"))
    path.write_text(json.dumps({"wire": {"2027": new}}))
    secrets.look()
    assert not is_taken(secrets, signed(old, b"{}"))
    path.write_text(json.dumps({"wire": {"2027": new[:-9]}}))
    secrets.look()
    assert is_taken(secrets, signed(new, b"{}"))
    assert old not in caplog.text
    assert new[:-9] not in caplog.text


@pytest.mark.parametrize(
    "content",
    ["[]", "{", '{"wire": "whsec_"}', '{"wire": {"a": "x"}}', '{"wire": {"a": "whsec_!"}}', '{"wire": {"a": "whsec_YWJj"}}'],
)  # fmt: skip
def test_file_that_holds_something_else_is_refused_without_what_it_holds(path, content):
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        WebhookSecrets(path)
    assert "YWJj" not in str(refused.value)


def test_file_that_everybody_can_read_is_refused(path):
    add_secret(path, "wire", "a")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod"):
        WebhookSecrets(path)


def test_command_prints_a_secret(path, capsys):
    assert main([str(path), "wire", "web", "--webhook"]) == 0
    assert is_taken(WebhookSecrets(path), signed(capsys.readouterr().out.strip(), b"{}"))
    assert path.stat().st_mode & 0o007 == 0
    assert main([str(path), "wire", "web", "--webhook"]) == 1
