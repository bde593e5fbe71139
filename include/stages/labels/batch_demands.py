"""What a batch of answers must show before the loop learns from it, judged by a Great Expectations suite."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.digests import digest_of
from include.foundation.errors import DataQualityError
from include.foundation.statistics.agreement import krippendorff_at_most
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.annotations import Annotation, votes_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.answered_requests import AnsweredRequest
from include.stages.labels.batch_figures import Figure, class_shifts

HASTY_SHARE = 0.5


@dataclass(frozen=True)
class Decided:
    """The rows of ``labels``, of ``quarantine`` and of ``requests`` that answers lead to.

    ``undecided`` are requests that the next tier is to decide, for this one cannot; ``at_stake`` those that it is to decide
    though this one could. ``taken_back`` takes labels back that the answers to their request do not make any more.
    """

    accepted: list[dict[str, Any]]
    set_aside: list[dict[str, Any]]
    undecided: list[dict[str, Any]] = field(default_factory=list)
    at_stake: list[dict[str, Any]] = field(default_factory=list)
    taken_back: list[dict[str, Any]] = field(default_factory=list)

    @property
    def escalated(self) -> list[dict[str, Any]]:
        """Requests that the next tier is to decide."""
        return self.undecided + self.at_stake


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
    asked_first = [item for item in fresh if item.tier == FIRST_TIER]  # further tiers get what is hard
    complete = [item for item in asked_first if item.is_complete(store.loop)]
    figures = [
        _agreement(store, asked_first),
        _set_aside(store, sum(item.request_id in aside for item in complete), len(complete)),
        *class_shifts(store, rows),
        _annotator_share(store, [item for item in asked_first if item.request_id in labels]),
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
    times = _seconds([vote for item in fresh for vote in item.own_votes])
    if not times:
        return None
    hasty = sum(seconds < least for seconds in times)
    says = (
        f"{hasty} of {len(times)} answers took less than labels.min_seconds, {least:g} s, in which nobody can read what "
        f"was asked; the median is {np.median(times):.2f} s"
    )
    return Figure("hasty_answers", _share(hasty, len(times)).low or 0.0, says, most=HASTY_SHARE)


def _seconds(votes: Sequence[Annotation]) -> list[float]:
    """Return how long answers took: as is said, or since the same person's answer before, where moments tell the two apart."""
    times, before = [], dict[str, datetime]()
    for vote in sorted(votes, key=lambda each: (each.annotator, each.created_at)):
        since = vote.created_at - before.get(vote.annotator, vote.created_at)
        before[vote.annotator] = vote.created_at
        if vote.lead_time_seconds is not None:
            times.append(vote.lead_time_seconds)
        elif since:
            times.append(since.total_seconds())
    return times


def _at_least(share: Estimate) -> str:
    return f"{share.value:.2f}, at least {share.low:.2f}"


def _share(times: int, among: int) -> Estimate:
    return weighted_mean(np.arange(among) < times, np.ones(among))
