"""What the OpenAPI description says of webhooks."""

from collections.abc import Iterable
from typing import Any

from gateway.messages import MOST_AT_ONCE
from gateway.webhook_messages import LOGS
from gateway.webhook_secrets import HEADERS
from include.foundation.config.loop_file import Loop
from include.foundation.lines.log_lines import REQUIRED
from include.foundation.lines.signal_lines import KINDS

ABOUT = """\
For servers of others: what they answered and what was said of it, for the same logs. A message is signed with a secret of
the loop, as https://www.standardwebhooks.com has it, and sent within 5 minutes. Sent again under its `webhook-id`, it counts
once."""
ADDRESS = "/v1/webhook/{loop}"
MEANINGS = (
    "of the message: the same when it is sent again",
    "when it was signed, in seconds since 1970",
    "`v1,` and HMAC",
)


def webhook_parameters(loops: Iterable[Loop]) -> list[dict[str, Any]]:
    """Return the parameters: the loop, and the headers of the signature."""
    loop = {"name": "loop", "in": "path", "required": True, "schema": {"enum": sorted(loop.name for loop in loops)}}
    text = {"type": "string", "minLength": 1}
    headers = [
        {"name": name, "in": "header", "required": True, "description": meaning, "schema": text}
        for name, meaning in zip(HEADERS, MEANINGS, strict=True)
    ]
    return [loop, *headers]


def webhook_message() -> dict[str, Any]:
    """Return the schema of a message: a line or several, each as a log has it."""
    named = {
        "type": ["string", "number", "boolean"],
        "minLength": 1,
    }  # an id or a class, as `read_id` and `read_class` take it
    prediction = {"trace_id": named, "ts": {"type": "string", "format": "date-time"}, "model_version": named} | {
        "input": {"type": "object"}, "prediction": named
    }  # fmt: skip
    signal = {"feedback_id": named, "trace_id": named, "ts": prediction["ts"], "kind": {"enum": list(KINDS)}} | {
        "signal": named
    }
    lines = {"predictions": (prediction, REQUIRED), "feedback": (signal, tuple(signal))}
    return {"anyOf": [_message(kind, *lines[log]) for kind, log in LOGS.items()]}


def _message(kind: str, properties: dict[str, Any], required: Iterable[str]) -> dict[str, Any]:
    line = {"type": "object", "properties": properties, "required": list(required)}
    several = {"type": "array", "items": line, "minItems": 1, "maxItems": MOST_AT_ONCE}
    fields = {"type": {"const": kind}, "data": {"anyOf": [line, several]}, "timestamp": {"type": ["string", "null"]}}
    return {"type": "object", "properties": fields, "required": ["type", "data"]}
