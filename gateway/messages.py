"""What clients send, decoded and checked in one pass; the same classes say it in the OpenAPI description."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.refusals import Refusal
from include.foundation.lines.values import MOST_NESTED

Id = Annotated[str, Meta(min_length=1, max_length=1000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Person = Annotated[str, Meta(max_length=1000)] | int | None
Value = str | float | bool | None
Moment = Annotated[datetime, Meta(tz=True)] | None
Decoded = TypeVar("Decoded")
OF_A_ROW = ("user_id", "context", "metadata", "impact", "source_id")
MOST_AT_ONCE = 1024  # rows or signals of one request


class Instance(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One row to predict."""

    input: dict[str, Any]
    """Value of each input, by its name in the loop file."""
    segments: dict[Name, Value] = {}
    """What the row belongs to, by the names that the loop file watches; others are logged, too."""
    user_id: Person = None
    """Who asks; the loop keeps a keyed hash of it only."""
    context: dict[str, Any] | None = None
    """What the request was about, as you like; put no people into it."""
    metadata: dict[str, Any] | None = None
    """Whatever else is to be kept with it; put no people into it."""
    impact: Annotated[float, Meta(ge=0)] | None = None
    """What a wrong answer would cost, in a unit of yours: it can choose rows for labels."""
    source_id: Annotated[str, Meta(max_length=1000)] | int | None = None
    """The caller, device or tenant that asks."""
    trace_id: Id | None = None
    """Id of the prediction, where a gateway replays."""
    ts: Moment = None
    """When it was asked, where a gateway replays."""


class PredictOne(Instance, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One row to predict, and of which loop."""

    loop: Name | None = None
    """Name of the loop; it may be left out where the gateway serves only one."""


class PredictMany(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Several rows to predict, which are scored together."""

    instances: Annotated[list[Instance], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    """The rows; the answers have their order."""
    loop: Name | None = None
    """As of one row."""


class PredictRequest(PredictOne, kw_only=True, forbid_unknown_fields=True):
    """Either of both."""

    input: dict[str, Any] | UnsetType = UNSET  # type: ignore[assignment]
    instances: Annotated[list[Instance], Meta(min_length=1, max_length=MOST_AT_ONCE)] | UnsetType = UNSET

    @property
    def rows(self) -> list[Instance]:
        """The rows that are asked about.

        Raises
        ------
        Refusal
            If it is neither one row nor several.
        """
        if isinstance(self.instances, UnsetType):
            if isinstance(self.input, UnsetType):
                raise Refusal(422, "The request is not valid", ["input: missing; give it, or instances"])
            return [self]
        if (
            not isinstance(self.input, UnsetType)
            or self.segments
            or any(getattr(self, name) for name in (*OF_A_ROW, "trace_id", "ts"))
        ):
            raise Refusal(422, "The request is not valid", ["instances: all that belongs to a row is given within it"])
        return self.instances


class Signal(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a user or a sensor says about a prediction."""

    trace_id: Id
    """Of the prediction."""
    kind: Literal["explicit", "implicit", "automated"]
    """Whether somebody said it, it was inferred from what somebody did, or a device reported it."""
    signal: Name
    """What it is: ``correction``, ``report``, ``rating``, ``accept``, ``click`` or any other word of yours."""
    value: Any = None
    """What it says; of a correction a class, or ``{"label": class}``."""
    comment: Annotated[str, Meta(max_length=10_000)] | None = None
    """Why, in words; e-mail addresses in it become pseudonyms."""
    user_id: Person = None
    """Who says it; the loop keeps a keyed hash of it only."""
    consent: bool | None = None
    """Whether it may be kept: where it is false, it is not."""
    source: Name | None = None
    """Where it was said, such as ``web``."""
    feedback_id: Id | None = None
    """Of the signal, so that one that is sent again counts once; made if there is none."""
    ts: Moment = None
    """When it was said, where a gateway replays."""


class SignalOne(Signal, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One signal, and of which loop."""

    loop: Name | None = None
    """Name of the loop; it may be left out where the gateway serves only one."""


class SignalMany(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Several signals."""

    signals: Annotated[list[Signal], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    """The signals; the answers have their order."""
    loop: Name | None = None
    """As of one signal."""


_PREDICT = msgspec.json.Decoder(PredictRequest)
_ONE_SIGNAL: "msgspec.json.Decoder[SignalOne | SignalMany]" = msgspec.json.Decoder(SignalOne)
_MANY_SIGNALS: "msgspec.json.Decoder[SignalOne | SignalMany]" = msgspec.json.Decoder(SignalMany)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def predict_request(body: bytes) -> PredictRequest:
    """Return the request for predictions that a body holds.

    Raises
    ------
    Refusal
        400 if it is not JSON, 422 if it is another request.
    """
    return decoded(_PREDICT, body)


def signals_of(body: bytes) -> tuple[SignalOne | SignalMany, list[Signal]]:
    """Return the request that a body of feedback holds, and its signals.

    Raises
    ------
    Refusal
        As of `predict_request`.
    """
    request = decoded(_MANY_SIGNALS if "signals" in decoded(_FIELDS, body) else _ONE_SIGNAL, body)
    signals: list[Signal] = request.signals if isinstance(request, SignalMany) else [request]
    for signal in signals:
        demand_shallow("value", signal.value)
    return request, signals


def demand_shallow(name: str, value: Any, left: int = MOST_NESTED - 1) -> None:
    """Refuse what a pull would not read to its depth.

    Parameters
    ----------
    name
        Of the field of a log line, which is the first level.
    value
        As JSON gives it.
    left
        Levels that it may still have.

    Raises
    ------
    Refusal
        422 if it has more.
    """
    if isinstance(value, dict | list):
        if not left:
            raise Refusal(422, f"The request is not valid: {name} is nested deeper than {MOST_NESTED - 1} levels")
        for item in value.values() if isinstance(value, dict) else value:
            demand_shallow(name, item, left - 1)


def decoded(decoder: "msgspec.json.Decoder[Decoded]", body: bytes) -> Decoded:
    """Return what a body holds.

    Raises
    ------
    Refusal
        400 if it is not JSON, 422 if it is something else than the decoder takes.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refusal(422, "The request is not valid", [str(error)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Refusal(400, f"The body is not JSON in UTF-8: {error}") from None
