"""What the gateway answers; the same classes say it in the OpenAPI description."""

from typing import Annotated

from msgspec import Meta, Struct


class Prediction(Struct):
    """What the model says of a row."""

    trace_id: str
    """Id of the prediction: give it with feedback about it."""
    model_version: str
    """Version of the model, as the registry names it."""
    prediction: str
    """The most probable class."""
    probabilities: dict[str, Annotated[float, Meta(ge=0, le=1)]]
    """Probability of each class."""


class Predictions(Struct):
    """What the model says of several rows."""

    predictions: list[Prediction]
    """In the order of the rows."""


class Taken(Struct):
    """What became of a signal."""

    feedback_id: str
    """Of the signal."""
    kept: bool
    """Whether it was written to the log: not where the consent that the loop needs was not given."""


class TakenMany(Struct):
    """What became of several signals."""

    signals: list[Taken]
    """In the order in which they were sent."""


class Received(Struct):
    """What became of a message."""

    lines: int
    """Lines that it had."""
    kept: int
    """Those of them that are in the log: all but feedback to whose keeping nobody consented."""


class Model(Struct):
    """What is served of a loop."""

    loop: str
    """Name of the loop."""
    version: str | None
    """Version of the model, as the registry names it; null while there is none."""
    classes: list[str]
    """Classes of the loop."""
    inputs: dict[str, str]
    """Type of each input."""
    challenger: str | None = None
    """Version that is asked about the same requests, whose answers nobody is given; null while there is none."""
    canary: str | None = None
    """Version that is served to a share of the callers; null while there is none."""
    canary_share: float = 0.0
    """Share of the callers that it is served to, 0 to 1."""


class Models(Struct):
    """What is served of the loops that the key is for."""

    models: list[Model]
    """One a loop, in the order of their names."""


class Status(Struct):
    """How the gateway is."""

    status: str
    """``alive``, ``ready`` or ``not ready``."""
    problems: list[str] = []
    """Why it is not ready."""
    notes: list[str] = []
    """What somebody should look at, though requests are answered."""


class Problem(Struct):
    """Why a request was refused, as RFC 9457 has it."""

    title: str
    """The kind of refusal."""
    status: int
    """Of HTTP, again."""
    detail: str
    """What was got, what was expected, what to do."""
    problems: list[str]
    """Every problem of the request: the first ten and the number of the others."""
