"""What a batch of answers must show before the loop learns from it, judged by a Great Expectations suite."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from include.foundation.digests import digest_of
from include.foundation.errors import DataQualityError
from include.foundation.statistics.agreement import krippendorff_at_most
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.annotations import votes_of
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.answered_requests import AnsweredRequest

HASTY_SHARE = 0.5
EVIDENCE = "disagreement"


@dataclass(frozen=True)
class Decided:
    """The rows of ``labels``, of ``quarantine`` and of ``requests`` that answers lead to.

    ``undecided`` are requests that the next tier is to decide, for this one cannot; ``at_stake`` those that it is to decide
    though this one could.
    """

    accepted: list[dict[str, Any]]
    set_aside: list[dict[str, Any]]
    undecided: list[dict[str, Any]] = field(default_factory=list)
    at_stake: list[dict[str, Any]] = field(default_factory=list)

    @property
    def escalated(self) -> list[dict[str, Any]]:
        """Requests that the next tier is to decide."""
        return self.undecided + self.at_stake


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


def demand_good_batch(store: LoopStore, decided: Decided, fresh: Sequence[AnsweredRequest]) -> None:
    """Judge the requests that are decided for the first time and publish the result; none, no page.

    Parameters
    ----------
    store
        Tables of the loop.
    decided
        What all requests with new answers lead to.
    fresh
        Those that are decided for the first time.

    Raises
    ------
    DataQualityError
        If a figure of the batch shows, with its interval, that it is not what the loop file demands.
    """
    figures = figures_of(store, decided, fresh)
    if not figures:
        return
    import pandas as pd

    from include.foundation.quality.data_docs import Judged, publish
    from include.foundation.quality.expectations import run_suite

    suite = {"name": f"{store.loop.name} labels", "expectations": [figure.expectation for figure in figures]}
    batch = pd.DataFrame({figure.name: [figure.value] for figure in figures})
    result = run_suite(suite, batch, len(fresh))
    newest = max(annotation.created_at for item in fresh for annotation in item.annotations)
    key = digest_of([item.label_id for item in fresh])[:16]
    title = f"{len(fresh):,} answered requests until {newest:%Y-%m-%d %H:%M} UTC"
    facts = {
        "requests": f"{len(fresh):,}",
        "labels": f"{len(decided.accepted):,}",
        "set aside": f"{len(decided.set_aside):,}",
        "left to the next tier": f"{len(decided.escalated):,}",
    }
    page = publish(store, Judged("labels", newest, key, title, facts), result)
    if not result.success:
        missed = {
            item["expectation_config"]["kwargs"]["column"] for item in result.details["results"] if not item["success"]
        }
        problems = [figure.says for figure in figures if figure.name in missed]
        raise DataQualityError(f"The batch of {len(fresh)} answered requests is not good enough; see {page}", problems)


def figures_of(store: LoopStore, decided: Decided, fresh: Sequence[AnsweredRequest]) -> list[Figure]:
    """Return the figures of a batch that are defined.

    Parameters
    ----------
    store
        Tables of the loop.
    decided
        What all requests with new answers lead to.
    fresh
        Those that are decided for the first time.
    """
    aside = {row["source"] for row in decided.set_aside} | {row["escalates"] for row in decided.undecided}
    labels = {row["request_id"] for row in decided.accepted}
    first = {item.request_id for item in fresh}
    rows = [row for row in decided.accepted if row["request_id"] in first]
    complete = [item for item in fresh if item.is_complete(store.loop)]
    figures = [
        _agreement(store, fresh),
        _set_aside(store, sum(item.request_id in aside for item in complete), len(complete)),
        _class_shift(
            store, Counter(row["label"] for row in rows if row["stratum"] != EVIDENCE and row["supersedes"] is None)
        ),
        _annotator_share(store, [item for item in fresh if item.request_id in labels]),
        _haste(store, fresh),
    ]
    return [figure for figure in figures if figure is not None]


def _agreement(store: LoopStore, fresh: Sequence[AnsweredRequest]) -> Figure | None:
    least = store.loop.labels.min_agreement
    votes, _ = votes_of([vote for item in fresh for vote in item.votes], store.loop.task.classes)
    most = krippendorff_at_most(votes)
    if most is None:
        return None
    alpha, high = most
    says = (
        f"Annotators agree too little: Krippendorff's alpha is {alpha:.2f}, at most {high:.2f}, and labels.min_agreement is "
        f"{least:.2f}; look at the instructions and at the annotators"
    )
    return Figure("agreement", high, says, least=least)


def _set_aside(store: LoopStore, aside: int, complete: int) -> Figure | None:
    if not complete:
        return None
    most, share = store.loop.labels.max_set_aside, _share(aside, complete)
    says = (
        f"{aside} of {complete} fully answered requests would get no label, a share of "
        f"{_at_least(share)}, and labels.max_set_aside is {most:.2f}: look at the answers in the table annotations, and at "
        f"what was asked"
    )
    return Figure("set_aside", share.low or 0.0, says, most=most)


def _class_shift(store: LoopStore, now: Counter[str]) -> Figure | None:
    """Return by how much the share of one class at least exceeds its share of the labels that people gave before.

    Rows on which two models disagree, and rows whose class was retired, are asked about for another reason, and tell nothing
    of it.
    """
    columns, strata = ["label_id", "supersedes", "label"], [("stratum", "in", ["random", "certainty"])]
    earlier = current_labels(store.read("labels", columns=columns, filters=strata))
    before = Counter(Taxonomy.of(store.loop.task).read_labels(earlier).column("label").to_pylist())
    if not now or not before:
        return None
    shifts = {
        name: (_share(count, now.total()).low or 0.0) - (_share(before[name], before.total()).high or 0.0)
        for name, count in now.items()
    }
    shifted = min(shifts, key=lambda name: (-shifts[name], name))
    most = store.loop.labels.max_class_shift
    says = (
        f"{now[shifted]} of {now.total()} labels are {shifted!r}, and {before[shifted]} of {before.total()} were before: the "
        f"share rose by at least {shifts[shifted]:.2f}, and labels.max_class_shift is {most:.2f}"
    )
    return Figure("class_shift", shifts[shifted], says, most=most)


def _annotator_share(store: LoopStore, accepted: Sequence[AnsweredRequest]) -> Figure | None:
    """Return the share of the busiest annotator of the answers that labels are made of, where more than one is asked."""
    names = [annotation.annotator for item in accepted for annotation in item.votes]
    if store.loop.labeling.overlap == 1 or not names:
        return None
    name, answers = min(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    most, share = store.loop.labels.max_annotator_share, _share(answers, len(names))
    says = (
        f"Annotator {name[:8]} gave {answers} of {len(names)} answers, a share of {_at_least(share)}, and "
        f"labels.max_annotator_share is {most:.2f}"
    )
    return Figure("annotator_share", share.low or 0.0, says, most=most)


def _haste(store: LoopStore, fresh: Sequence[AnsweredRequest]) -> Figure | None:
    """Return the share of hasty answers, of those whose time is known."""
    least = store.loop.labels.min_seconds
    times = [vote.lead_time_seconds for item in fresh for vote in item.votes if vote.lead_time_seconds is not None]
    if not times:
        return None
    hasty = sum(seconds < least for seconds in times)
    says = (
        f"{hasty} of {len(times)} answers took less than labels.min_seconds, {least:g} s, in which nobody can read what "
        f"was asked; the median is {np.median(times):.2f} s"
    )
    return Figure("hasty_answers", _share(hasty, len(times)).low or 0.0, says, most=HASTY_SHARE)


def _at_least(share: Estimate) -> str:
    return f"{share.value:.2f}, at least {share.low:.2f}"


def _share(times: int, among: int) -> Estimate:
    return weighted_mean(np.arange(among) < times, np.ones(among))
