"""Nominations that compare rows with each other, or ask models about them: of a bounded sample, however much is served."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.stages.selection.committees import Committee
from include.stages.selection.diversity import dense
from include.stages.selection.nomination_kinds import Nomination, Scores
from include.stages.selection.vectors import vectors_of

MOST = 5_000  # rows that are compared with each other
NEIGHBOURS = 20
FEWEST = 2 * NEIGHBOURS
NEXT_TO_NOTHING = 1e-6  # of a score, among rows that are nominated alike


@dataclass(frozen=True)
class Sampled(Nomination):
    """Rows of a uniform sample: while rows are read, those that come first at random are the best.

    Attributes
    ----------
    loop
        Whose rows they are.
    """

    loop: Loop | None = None

    def ranking(self, rows: pa.Table, scores: Scores) -> Scores:
        """Return the same for every row."""
        del rows
        return np.zeros(len(scores))


@dataclass(frozen=True)
class Coverage(Sampled):
    """Rows that cover what is served, since labels are too few for a score to say much (Hacohen, Dekel & Weinshall 2022)."""

    covers: ClassVar[bool] = True

    def reason(self, row: Mapping[str, Any], measure: float) -> str:
        """Return that the loop starts."""
        del row, measure
        return "cold start: chosen to cover what is served"


@dataclass(frozen=True)
class CommitteeDisagreement(Sampled):
    """Rows about which a committee disagrees, most bits first, the more unsure first where they are as many."""

    committee: Committee | None = None

    def judged(self, rows: pa.Table, scores: Scores) -> Scores:
        """Return the bits; NaN where all agree."""
        bits = self.committee.disagreement(rows) if self.committee and rows.num_rows else np.zeros(rows.num_rows)
        return np.where(self.among(rows) & (bits > 0), bits + NEXT_TO_NOTHING * np.tanh(scores), np.nan)

    def reason(self, row: Mapping[str, Any], measure: float) -> str:
        """Return the bits."""
        del row
        return f"committee {measure:.2f} bits: {len(self.committee.members if self.committee else ())} model versions disagree"


@dataclass(frozen=True)
class Outliers(Sampled):
    """Rows that are far from the others, the farthest first."""

    at_least: float = 1.0

    def judged(self, rows: pa.Table, scores: Scores) -> Scores:
        """Return the `outlyingness` of the first 5,000 candidates; NaN below the threshold."""
        if self.loop is None or rows.num_rows < FEWEST:
            return np.full(rows.num_rows, np.nan)
        compared = rows.slice(0, MOST)
        factors = np.full(rows.num_rows, np.nan)
        factors[: compared.num_rows] = outlyingness(dense(vectors_of(self.loop, compared)))
        return np.where(self.among(rows) & (factors >= self.at_least), factors, np.nan)

    def reason(self, row: Mapping[str, Any], measure: float) -> str:
        """Return how far."""
        del row
        return f"outlier: {measure:.1f} times as far from its neighbours as they are from theirs"


def outlyingness(points: NDArray[np.float64]) -> Scores:
    """Return how many times as far each point is from its neighbours as these are from theirs.

    Parameters
    ----------
    points
        float64, (rows, dimensions), at least 2 rows.

    Returns
    -------
    ndarray of float64, (rows,)
        About 1 inside a cluster, however dense it is; more outside. A hundredth of the usual distance is added to the
        neighbours', so that points beside equal ones are not infinitely far.

    Notes
    -----
    The simplified local outlier factor of Schubert, Zimek & Kriegel (2014), with mean distances of 20 neighbours, on all points
    against each other.
    """
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(points) - 1)).fit(points)
    distances, places = neighbours.kneighbors()
    own = distances.mean(axis=1)
    theirs = own[places].mean(axis=1) + 0.01 * np.median(own)
    return np.asarray(np.divide(own, theirs, out=np.ones_like(own), where=theirs > 0))
