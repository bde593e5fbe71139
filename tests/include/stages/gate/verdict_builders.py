"""Evaluations as the gate reads them."""

from collections.abc import Sequence
from typing import Any

from include.foundation.decisions.chain import Decision

SCORE = {"value": 0.8, "low": 0.75, "high": 0.85, "rows": 200, "effective_rows": 200.0}
NOTHING = {"value": None, "low": None, "high": None, "rows": 0, "effective_rows": 0.0}


def multiset(wins: int = 0, losses: int = 0, ties: int = 0, weight: float = 1.0) -> list[list[float]]:
    found = [[-weight, losses, weight], [0.0, ties, weight], [weight, wins, weight]]
    return [row for row in found if row[1]]


def slice_with(value: str, wins: int = 0, losses: int = 0) -> dict[str, Any]:
    differences = [[-1.0, losses], [1.0, wins]]
    scores = {"champion": SCORE, "challenger": SCORE, "difference": SCORE}
    return {"segment": "desk", "value": value, "scores": scores, "differences": differences}


def measured(
    key: str = "k1",
    *,
    random: Sequence[Any] = (),
    apart: Sequence[Any] = (),
    slices: Sequence[Any] = (),
    askable: int = 500,
    share: float = 0.1,
    dataset: str = "d1",
    **evidence: Any,
) -> Decision:
    """What `evaluate` says of a challenger that met champion 1."""
    whole = {
        "challenger_key": key,
        "run_id": f"run-{key}",
        "champion_version": "1",
        "dataset": dataset,
        "scores": {"champion": SCORE, "challenger": SCORE, "difference": SCORE},
        "slices": list(slices),
        "score_unit": 1.0,
        "differences": {"random": list(random), "disagreement": list(apart)},
        "window": {"rows": 1000, "share": share, "askable": askable},
    }
    return Decision("evaluation", key, "measured", (), whole | evidence)


def first_measured(low: float | None, key: str = "k0") -> Decision:
    """What `evaluate` says of the first model."""
    score = NOTHING if low is None else {**SCORE, "low": low}
    scores = {"champion": NOTHING, "challenger": score, "difference": NOTHING}
    return measured(key, champion_version=None, scores=scores)
