"""The OpenAPI description: made of the classes that decode requests and of the loops that are served, so that it is true."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterable
from typing import Any

import msgspec

from gateway import answers, messages, webhook_page
from gateway.replays import REPLAYED
from gateway.webhook_page import ADDRESS, webhook_message, webhook_parameters
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input

ABOUT = "Serves champions of learning loops; each answer is in the log before it is sent."
REFERENCE = "#/components/schemas/{name}"
TYPES: dict[str, Any] = {
    "text": {"type": "string"},
    "categorical": {"type": ["string", "number", "boolean"]},
    "numeric": {"type": "number"},
}
LARGEST = 1.7976931348623157e308
RETRY = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}}
REFUSED = {
    "400": "Not JSON", "401": "No valid key or signature", "403": "The key is not for this loop",
    "404": "No such loop or log", "408": "The body did not arrive in time", "409": "Another message has this id",
    "413": "The body is too large", "415": "Not JSON by its own account", "422": "Not what the loop takes",
    "429": "Too much waits already", "500": "The model failed", "503": "No model, no log, or not in time",
}  # fmt: skip


def openapi(loops: Iterable[Loop], *, webhooks: bool = False, replay: bool = False) -> dict[str, Any]:
    """Return the description of a gateway that serves some loops.

    Parameters
    ----------
    loops
        Whose inputs become schemas.
    webhooks
        Whether it takes signed lines of others' servers.
    replay
        Whether clients may say what only a replay may.
    """
    served = sorted(loops, key=lambda loop: loop.name)
    schemas = _components(len(served) > 1, [loop.name for loop in served], replay=replay)
    for loop in served:
        schemas[f"Input_{loop.name}"] = _inputs(loop)
        schemas |= _requests(loop, schemas)
    predict = {"anyOf": [_ref(f"{kind}_{loop.name}") for loop in served for kind in ("PredictOne", "PredictMany")]}
    feedback = {"anyOf": [_ref("SignalOne"), _ref("SignalMany")]}
    answers = {"anyOf": [_ref("Prediction"), _ref("Predictions")]}
    taken = {"anyOf": [_ref("Taken"), _ref("TakenMany")]}
    paths = {
        "/v1/predict": {"post": _operation("predict", "Predict one row or several", predict, answers)},
        "/v1/feedback": {"post": _operation("feedback", "Say what became of predictions", feedback, taken, "404")},
        "/v1/models": {"get": _reading("models", "What is served", _ref("Models"), keyed=True)},
        "/health": {"get": _reading("health", "Whether the process lives", _ref("Status"))},
        "/ready": {"get": _reading("ready", "Whether every loop can answer", _ref("Status"), "503")},
        "/metrics": {"get": _reading("metrics", "Metrics in Prometheus' format", None)},
    }
    if webhooks:
        paths[ADDRESS] = {"post": _webhook(served)}
    keys: dict[str, Any] = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Feedback Loop gateway", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": keys},
    }  # fmt: skip


def _components(several: bool, names: list[str], *, replay: bool) -> dict[str, Any]:
    """Return the schemas of the messages, with what the classes say of each field."""
    kinds = [
        messages.PredictOne, messages.PredictMany, answers.Prediction, answers.Predictions, messages.SignalOne,
        messages.SignalMany, answers.Taken, answers.TakenMany, answers.Models, answers.Problem, answers.Status,
        answers.Received,
    ]  # fmt: skip
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    for name, schema in schemas.items():
        kind = getattr(messages, name, None) or getattr(answers, name)
        told = _told(kind)
        for field in (field for base, fields in REPLAYED.items() if issubclass(kind, base) for field in fields):
            if not replay:
                del schema["properties"][field]
        for field, described in schema.get("properties", {}).items():
            described.update({"description": told[field]} if field in told else {})
            described.pop("default", None)
        if "loop" in schema.get("properties", {}) and name != "Model":
            schema["properties"]["loop"] |= {"anyOf": [{"enum": names}] if several else [{"enum": [*names, None]}]}
            schema["required"] = [*schema["required"], *(["loop"] if several else [])]
    return dict(schemas)


def _requests(loop: Loop, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of one row and of several rows of a loop."""
    given, name = {"input": _ref(f"Input_{loop.name}")}, loop.name
    one, many, instance = schemas["PredictOne"], schemas["PredictMany"], schemas["Instance"]
    of_loop = {"loop": one["properties"]["loop"] | {"anyOf": [{"enum": [name]}]}} if "loop" in one["required"] else {}
    rows = many["properties"]["instances"] | {"items": _ref(f"Instance_{name}")}
    return {
        f"PredictOne_{name}": one | {"properties": one["properties"] | given | of_loop},
        f"Instance_{name}": instance | {"properties": instance["properties"] | given},
        f"PredictMany_{name}": many | {"properties": many["properties"] | {"instances": rows} | of_loop},
    }


def _inputs(loop: Loop) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: _nullable(_input(item), required=item.required) for name, item in loop.inputs.items()},
        "required": [name for name, item in loop.inputs.items() if item.required],
        "additionalProperties": False,
        **({} if any(item.required for item in loop.inputs.values()) else {"minProperties": 1}),
    }


def _input(item: Input) -> dict[str, Any]:
    bounds = {
        "minimum": -LARGEST if item.minimum is None else item.minimum,
        "maximum": LARGEST if item.maximum is None else item.maximum,
    }
    if item.type == "vector":
        size = {} if item.size is None else {"minItems": item.size, "maxItems": item.size}
        return {"type": "array", "items": {"type": "number"} | bounds, **size}
    return {**TYPES[item.type], **(bounds if item.type == "numeric" else {})}


def _nullable(schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return schema if required else {"anyOf": [schema, {"type": "null"}]}


def _operation(name: str, summary: str, takes: Any, gives: Any, *more: str) -> dict[str, Any]:
    refused = {status: _refusal(status) for status in sorted({*REFUSED} - {"404", "409"} | {*more})}
    body = {"required": True, "content": {"application/json": {"schema": takes}}}
    return _reading(name, summary, gives, keyed=True) | {
        "requestBody": body,
        "responses": {"200": _answer(gives)} | refused,
    }


def _webhook(loops: list[Loop]) -> dict[str, Any]:
    operation = _operation(
        "webhook", "Log what other servers answered", webhook_message(), _ref("Received"), "404", "409"
    )
    del operation["security"]  # the signature is in the parameters
    return operation | {"description": webhook_page.ABOUT, "parameters": webhook_parameters(loops)}


def _reading(name: str, summary: str, gives: Any, *refused: str, keyed: bool = False) -> dict[str, Any]:
    statuses = {*refused, *(["401"] if keyed else [])}
    responses = {"200": _answer(gives)} | {
        status: _answer(gives) if status == "503" else _refusal(status) for status in sorted(statuses)
    }
    return {"operationId": name, "summary": summary, "responses": responses} | (
        {"security": [{"key": []}, {}]} if keyed else {}
    )


def _answer(schema: Any) -> dict[str, Any]:
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {"description": "Done", "content": text if schema is None else {"application/json": {"schema": schema}}}


def _refusal(status: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _ref("Problem")}}
    headers = {"headers": RETRY} if status in {"429", "503"} else {}
    return {"description": REFUSED[status], "content": content, **headers}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": REFERENCE.format(name=name)}


def _told(kind: type) -> dict[str, str]:
    """Return the text below each field of a class, and of those that it is derived from."""
    told: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__ in (messages.__name__, answers.__name__):
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            fields = list(getattr(definition, "body", []))
            for field, text in itertools.pairwise(fields):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(text, ast.Expr)
                    and isinstance(text.value, ast.Constant)
                ):
                    told[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value))
    return told
