"""A figure of a batch of answers and the demand on it, and how far shares of classes moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

EVIDENCE = "disagreement"


@dataclass(frozen=True)
class Figure:
    """One figure of a batch and the demand on it; ``value`` is the end of its interval that lies nearer to what is allowed."""

    name: str
    value: float
    says: str
    least: float | None = None
    most: float | None = None

    @property
    def expectation(self) -> dict[str, Any]:
        """The demand in the JSON of Great Expectations, on a row that holds the figures by name."""
        bounds = {"min_value": self.least, "max_value": self.most}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        kind = "expect_column_values_to_be_between"
        return {"type": kind, "kwargs": {"column": self.name, **given}, "meta": {"notes": self.says}}


def class_shifts(store: LoopStore, rows: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """Yield by how much the share of one class at least exceeds its share of the labels that people gave before.

    Once of all rows, and once of those drawn at random, weighted by what they stand for: what is chosen follows the model's
    doubts, what is drawn follows what is served. Rows on which two models disagree, and
    rows whose class was retired, are asked about for another reason.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Labels that are decided for the first time.
    """
    columns = ["label_id", "supersedes", "label", "stratum", "inclusion_probability"]
    strata: Filter = [("stratum", "in", ["random", "certainty"])]
    earlier = current_labels(store.read("labels", columns=columns, filters=strata))
    before = Taxonomy.of(store.loop.task).read_labels(earlier).to_pylist()
    now = [row for row in rows if row["stratum"] != EVIDENCE and row["supersedes"] is None]
    drawn, drawn_before = ([row for row in each if row["stratum"] == "random"] for each in (now, before))
    most = store.loop.labels.max_class_shift
    if now and before:
        yield _class_shift("class_shift", "labels", _shares(now, weighted=False), _shares(before, weighted=False), most)
    if drawn and drawn_before:
        shares = _shares(drawn, weighted=True), _shares(drawn_before, weighted=True)
        yield _class_shift("class_shift_of_drawn_rows", "rows as they were served", *shares, most)


def _class_shift(
    name: str, what: str, now: Mapping[str, Estimate], before: Mapping[str, Estimate], most: float
) -> Figure:
    """Return the figure of the class whose share rose most.

    Parameters
    ----------
    name, what
        Of the figure, and what shares are of.
    now, before
        Shares by class; one that is missing has none.
    most
        By how much a share may rise.
    """
    none = weighted_mean(np.zeros(next(iter(before.values())).rows), np.ones(next(iter(before.values())).rows))
    shifts = {each: (share.low or 0.0) - (before.get(each, none).high or 0.0) for each, share in now.items()}
    shifted = min(shifts, key=lambda each: (-shifts[each], each))
    says = (
        f"{_counted(now[shifted])} {what} are {shifted!r}, and {_counted(before.get(shifted, none))} were before: the share "
        f"rose by at least {shifts[shifted]:.2f}, and labels.max_class_shift is {most:.2f}"
    )
    return Figure(name, shifts[shifted], says, most=most)


def _shares(rows: Sequence[Mapping[str, Any]], *, weighted: bool) -> dict[str, Estimate]:
    """Return the share of each class that rows have."""
    labels = np.array([row["label"] for row in rows])
    chances = np.array([row["inclusion_probability"] if weighted else 1.0 for row in rows])
    return {name: weighted_mean(labels == name, chances) for name in sorted(set(labels.tolist()))}


def _counted(share: Estimate) -> str:
    return f"{round((share.value or 0.0) * share.rows)} of {share.rows}"
