"""Whether a challenger is shown to be worse on a slice."""

from collections.abc import Sequence
from typing import Literal

from include.foundation.decisions import Evaluation
from include.foundation.decisions.gate_verdict import SliceVerdict
from include.foundation.statistics.e_values import Stake, mixture_e_value

FEWEST_DISAGREEMENTS_ON_SLICE = 10
REJECTION_LEVEL = 0.05  # of showing a challenger worse on any slice


def slice_verdicts(evaluation: Evaluation) -> tuple[SliceVerdict, ...]:
    """Judge every slice; the level of showing one worse is divided by the number of slices (Bonferroni)."""
    verdicts = []
    for part in evaluation.slices:
        differences = [row for row in part.differences if row.value != 0]
        disagreements = sum(row.times for row in differences)
        e_value = mixture_e_value([Stake([-row.value for row in differences], [row.times for row in differences])])
        verdict: Literal["worse", "not shown to be worse", "inconclusive"] = "inconclusive"
        if e_value >= len(evaluation.slices) / REJECTION_LEVEL:
            verdict = "worse"
        elif disagreements >= FEWEST_DISAGREEMENTS_ON_SLICE:
            verdict = "not shown to be worse"
        verdicts.append(
            SliceVerdict(
                segment=part.segment, value=part.value, verdict=verdict, e_value=e_value,
                rows=part.scores.challenger.rows, disagreements=disagreements,
            )
        )  # fmt: skip
    return tuple(verdicts)


def slices_in_words(slices: Sequence[SliceVerdict]) -> list[str]:
    """Return which slices are shown to be worse, and which are inconclusive, in sentences."""
    worse = [f"{part.segment} = {part.value}" for part in slices if part.verdict == "worse"]
    unclear = [f"{part.segment} = {part.value}" for part in slices if part.verdict == "inconclusive"]
    sentences = [f"Shown to be worse on: {', '.join(worse)}."] if worse else []
    return sentences + ([f"Inconclusive on slices with few differing rows: {', '.join(unclear)}."] if unclear else [])
