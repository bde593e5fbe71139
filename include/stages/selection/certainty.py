"""The certainty stratum: rows that are chosen, not drawn, because their labels teach the most."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.stages.selection.diversity import DIVERSIFIERS
from include.stages.selection.frame import Candidates
from include.stages.selection.nomination_kinds import Nomination, Scores, weighed
from include.stages.selection.requests import BY_SIGNAL, BY_USER, Choice
from include.stages.selection.uncertainty_scores import informativeness
from include.stages.selection.user_reports import UserReport, in_turns
from include.stages.selection.vectors import vectors_of
from include.stages.selection.window_scores import as_array

Positions = NDArray[np.int64]


def reserve(n: int) -> int:
    """Return how many of the best rows n are chosen from: near duplicates and clusters leave many out."""
    return max(8 * n, 1000)


class CertaintyStratum:
    """Chooses the rows whose labels teach the most.

    Parameters
    ----------
    loop
        Names the score and the diversifier.
    candidates
        Rows that may be requested.
    reports
        What users said of the rows that they reported, by content key.
    nominations
        What names rows as worth a label, in the order in which it does.
    """

    def __init__(
        self,
        loop: Loop,
        candidates: Candidates,
        reports: Mapping[str, UserReport],
        nominations: Sequence[Nomination],
    ) -> None:
        self._loop, self._rows = loop, candidates.rows
        self._reported = {
            position: reports[key] for position, key in enumerate(candidates.content_keys) if key in reports
        }
        self._nominations = nominations

    def choices(self, n: int) -> list[Choice]:
        """Return at most n choices among the candidates.

        Rows that users reported come first, see `in_turns`; those that are not taken wait, and may be chosen like any other
        meanwhile. Then each nomination has its share of the remaining budget, or what is left of it.
        """
        reported = in_turns(self._loop.feedback, self._reported, n)
        is_free = np.full(self._rows.num_rows, True)
        is_free[reported] = False
        reasons: dict[int, str | None] = {position: self._reported[position].reason for position in reported}
        causes = {position: BY_SIGNAL if self._reported[position].is_weak else BY_USER for position in reported}
        for nomination in self._nominations:
            most = min(int((n - len(reported)) * nomination.share), n - len(reasons))
            measures = nomination.judged(self._rows, self._ordering)
            named = np.flatnonzero(is_free & ~np.isnan(measures))
            spread = self._spread(nomination, named, measures, most)
            reasons |= {place: nomination.reason(self._row(place), float(measures[place])) for place in spread}
            is_free[named if nomination.share == 1 else spread] = False
        return [self._choice(position, reason, causes.get(position)) for position, reason in reasons.items()]

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        """Score of each candidate."""
        probabilities = self._rows.column("probabilities").combine_chunks()
        return informativeness(self._loop.selection.score, as_array(probabilities, len(self._loop.task.classes)))

    @cached_property
    def _ordering(self) -> Scores:
        return weighed(self._loop, self._rows, self._scores)

    def _spread(self, nomination: Nomination, positions: Positions, measures: Scores, n: int) -> Sequence[int]:
        """Return at most n of the positions, spread by the diversifier over those with the best measures."""
        if n <= 0 or positions.size == 0:
            return []
        policy = self._loop.selection
        order = positions[np.argsort(-measures[positions], kind="stable")][: reserve(n)]
        vectors = vectors_of(self._loop, self._rows.take(pa.array(order)))
        spread = DIVERSIFIERS["clusters" if nomination.covers else policy.diversify]
        chosen = spread(measures[order] / max(1.0, measures[order[0]]), vectors, n, policy.seed)
        return [int(position) for position in order[chosen]]

    def _choice(self, position: int, reason: str | None, cause: str | None) -> Choice:
        score = None if np.isnan(self._scores[position]) else float(self._scores[position])
        return Choice(
            position, "certainty", "train", 1.0, reason or self._score_reason(position, score), score=score, cause=cause
        )

    def _row(self, position: int) -> dict[str, Any]:
        scalars = [field.name for field in self._rows.schema if not pa.types.is_list(field.type)]
        row: dict[str, Any] = self._rows.select(scalars).slice(position, 1).to_pylist()[0]
        return row

    def _score_reason(self, position: int, score: float | None) -> str:
        """Return a reason that names no class: annotators read it also where the pre-label is hidden."""
        if score is None:
            return "no probabilities were logged: chosen to cover different inputs"
        impact = self._rows.column("impact")[position].as_py() if self._loop.selection.cost_aware else None
        times = "" if impact is None else f", impact {impact:g}"
        return f"the model is unsure: {self._loop.selection.score.replace('_', ' ')} score {score:.2f}{times}"
