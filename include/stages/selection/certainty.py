"""The certainty stratum: rows that are chosen, not drawn, because their labels teach the most."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.stages.selection.content import features
from include.stages.selection.diversity import DIVERSIFIERS
from include.stages.selection.frame import Candidates
from include.stages.selection.nominations import broken_rows, critical_rows, in_drifted_segments
from include.stages.selection.passing import Passing, passing_rows
from include.stages.selection.requests import Choice
from include.stages.selection.uncertainty_scores import informativeness
from include.stages.selection.user_reports import UserReport, in_turns

Positions = NDArray[np.int64]
NO_SCORE = -1.0  # below every score: rows without one come last


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
    verdict
        The drift verdict on the interval, or None if there is none.
    passing
        What passes without a person: it is chosen only if users reported it, or its segment drifted.
    critical_first
        Whether rows of `selection.critical` go before others that are no more than informative.
    """

    def __init__(
        self,
        loop: Loop,
        candidates: Candidates,
        reports: Mapping[str, UserReport],
        verdict: DriftVerdict | None,
        *,
        passing: Sequence[Passing] = (),
        critical_first: bool = False,
    ) -> None:
        self._loop, self._rows = loop, candidates.rows
        self._reported = {
            position: reports[key] for position, key in enumerate(candidates.content_keys) if key in reports
        }
        self._drifted = in_drifted_segments(verdict, candidates.rows)
        self._broken = broken_rows(verdict, candidates.rows)
        self._passing = passing_rows(passing, candidates.rows)
        self._critical = critical_rows(loop, candidates.rows) if critical_first else {}

    def choices(self, n: int) -> list[Choice]:
        """Return at most n choices among the candidates.

        Rows that users reported come first, see `in_turns`; those that are not taken wait, and may be chosen like any other
        meanwhile. Half of the remaining budget goes to rows of the segments that the drift verdict wants labeled, what is then
        left to the best scores. Rows that the verdict calls broken are chosen only if users reported them.
        """
        reported = in_turns(self._loop.feedback, self._reported, n)
        apart = np.array([*reported, *self._broken], dtype=np.int64)
        others = np.setdiff1d(np.arange(self._rows.num_rows), apart)
        nominated = self._spread(others[np.isin(others, list(self._drifted))], (n - len(reported)) // 2)
        scored = others[~np.isin(others, [*nominated, *self._passing])]
        is_critical = np.isin(scored, list(self._critical))
        left = n - len(reported) - len(nominated)
        critical = self._spread(scored[is_critical], left)
        informative = self._spread(scored[~is_critical], left - len(critical))
        reasons = self._critical | {position: self._drifted[position] for position in nominated}
        reasons |= {position: self._reported[position].reason for position in reported}
        chosen = [*reported, *nominated, *critical, *informative]
        return [self._choice(position, reasons.get(position)) for position in chosen]

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        """Score of each candidate."""
        probabilities = np.full((self._rows.num_rows, len(self._loop.task.classes)), np.nan)
        for position, logged in enumerate(self._rows.column("probabilities").to_pylist()):
            if logged is not None:
                probabilities[position] = logged
        return informativeness(self._loop.selection.score, probabilities)

    def _spread(self, positions: Positions, n: int) -> Sequence[int]:
        """Return at most n of the positions, spread by the diversifier over those with the best scores."""
        if n <= 0 or positions.size == 0:
            return []
        policy = self._loop.selection
        scores = np.nan_to_num(self._scores, nan=NO_SCORE)
        order = positions[np.argsort(-scores[positions], kind="stable")][: max(20 * n, 1000)]
        best = features(self._loop, self._rows.take(pa.array(order)))
        chosen = DIVERSIFIERS[policy.diversify](scores[order], best, n, policy.seed)
        return [int(position) for position in order[chosen]]

    def _choice(self, position: int, reason: str | None) -> Choice:
        score = None if np.isnan(self._scores[position]) else float(self._scores[position])
        return Choice(position, "certainty", "train", 1.0, reason or self._score_reason(score), score=score)

    def _score_reason(self, score: float | None) -> str:
        """Return a reason that names no class: annotators read it also where the pre-label is hidden."""
        if score is None:
            return "no probabilities were logged: chosen to cover different inputs"
        return f"{self._loop.selection.score.replace('_', ' ')} score {score:.2f}"
