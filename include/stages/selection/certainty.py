"""The certainty stratum: what is asked about besides the random draw."""

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
from include.stages.selection.nominations import broken_rows, in_drifted_segments
from include.stages.selection.requests import Choice
from include.stages.selection.uncertainty_scores import informativeness

Places = NDArray[np.int64]
LAST = -1.0  # a row without a score comes after all that have one


class Certainty:
    """Chooses what a label teaches most.

    Parameters
    ----------
    loop
        Says which score, and how the choice is spread.
    candidates
        Rows that may be asked about.
    comments
        What users reported, by content key.
    verdict
        Drift verdict on the interval; None if there is none.
    """

    def __init__(
        self, loop: Loop, candidates: Candidates, comments: Mapping[str, str], verdict: DriftVerdict | None
    ) -> None:
        self._loop, self._rows = loop, candidates.rows
        self._comments = {place: comments[key] for place, key in enumerate(candidates.content) if key in comments}
        self._drifted = in_drifted_segments(verdict, candidates.rows)
        self._broken = broken_rows(verdict, candidates.rows)

    def choices(self, first: int, n: int) -> list[Choice]:
        """Return at most n choices among the candidates from the place ``first`` on.

        Reports, those that waited longest first; then, for half of what is left, rows of segments that the drift verdict wants
        labels of; then by score. Rows that the verdict calls broken are not asked about, unless users report them.
        """
        times = self._rows.column("ts").to_pylist()
        waiting = sorted((place for place in self._comments if place >= first), key=lambda place: times[place])
        reported = waiting[:n]
        others = [
            place
            for place in range(first, self._rows.num_rows)
            if place not in self._comments and place not in self._broken
        ]
        rest = np.array(others, dtype=np.int64)
        nominated = self._spread(rest[np.isin(rest, list(self._drifted))], (n - len(reported)) // 2)
        informative = self._spread(rest[~np.isin(rest, nominated)], n - len(reported) - len(nominated))
        reasons = {place: self._drifted[place] for place in nominated} | self._comments
        return [self._choice(place, reasons.get(place)) for place in [*reported, *nominated, *informative]]

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        """Score of each candidate; classes that were appended later have probability 0 in older rows."""
        classes = len(self._loop.task.classes)
        probabilities = np.full((self._rows.num_rows, classes), np.nan)
        for place, logged in enumerate(self._rows.column("probabilities").to_pylist()):
            if logged is not None:
                probabilities[place] = [*logged, *[0.0] * (classes - len(logged))]
        return informativeness(self._loop.selection.score, probabilities)

    def _spread(self, places: Places, n: int) -> Sequence[int]:
        """Return at most n of the places with the best scores, spread by the diversifier."""
        if n <= 0 or places.size == 0:
            return []
        policy = self._loop.selection
        scores = np.nan_to_num(self._scores, nan=LAST)
        order = places[np.argsort(-scores[places], kind="stable")][: max(20 * n, 1000)]
        best = features(self._loop, self._rows.take(pa.array(order)))
        chosen = DIVERSIFIERS[policy.diversify](scores[order], best, n, policy.seed)
        return [int(place) for place in order[chosen]]

    def _choice(self, place: int, reason: str | None) -> Choice:
        score = float(self._scores[place])
        known = None if np.isnan(score) else score
        return Choice(place, "certainty", "train", 1.0, reason or self._why(place, known), score=known)

    def _why(self, place: int, score: float | None) -> str:
        if score is None:
            return "no probabilities were logged: chosen to cover different inputs"
        logged = self._rows.column("probabilities")[place].as_py() or []
        best = sorted(zip(logged, self._loop.task.classes, strict=False), reverse=True)[:2]
        classes = ", ".join(f"{name} {probability:.2f}" for probability, name in best)
        return f"{self._loop.selection.score.replace('_', ' ')} score {score:.2f} ({classes})"
