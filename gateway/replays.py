"""Rows and signals of past days: they keep their ids and times where a gateway replays, and are refused elsewhere."""

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.messages import Instance, Signal
from gateway.refusals import Refusal

REPLAYED: dict[type, tuple[str, ...]] = {Instance: ("trace_id", "ts"), Signal: ("ts",)}


def demand_own_times(items: Sequence[Instance | Signal], *, replay: bool) -> None:
    """Refuse ids and times that a client gives; where a gateway replays, only times to come.

    Parameters
    ----------
    items
        Of one request.
    replay
        Whether the gateway replays.

    Raises
    ------
    Refusal
        422 with every problem.
    """
    now = datetime.now(UTC)
    problems = [problem for place, item in enumerate(items) for problem in _problems(place, item, now, replay=replay)]
    if problems:
        raise Refusal(422, "The request is not valid", problems)


def _problems(place: int, item: Instance | Signal, now: datetime, *, replay: bool) -> list[str]:
    if replay:
        return [f"{place}: ts: got {item.ts}, expected no time to come"] if item.ts and item.ts > now else []
    names = next(names for kind, names in REPLAYED.items() if isinstance(item, kind))
    given = [name for name in names if getattr(item, name) is not None]
    return [f"{place}: {name}: taken by a gateway that was started with replay only" for name in given]
