"""Whether the champion became worse than its predecessor, on the same rows: labels where the two differ tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from include.foundation.decisions import ComparedDay
from include.foundation.decisions.compared_day import DifferingRow
from include.foundation.statistics.e_detectors import ChangeEvidence, WatchedDay, change_evidence, one_by_group
from include.foundation.statistics.estimates import UNKNOWN, Estimate, weighted_difference
from include.foundation.store.ledgers.labeled_draws import newest_blind_last
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

LABEL_COLUMNS = ("label_id", "supersedes", "trace_id", "label", "decided_at", "hidden_prelabel")


@dataclass(frozen=True)
class JudgedDay:
    """A compared day, and the champion's score less its predecessor's, -1 to 1, on the drawn rows that have a label.

    ``groups`` has the group of each, None without one.
    """

    compared: ComparedDay
    differences: tuple[float, ...]
    groups: tuple[str | None, ...]

    @property
    def largest_group(self) -> int:
        """How many of the drawn rows are of one group at most: settled before any label."""
        return max(
            Counter(row.group_key for row in self.compared.drawn if row.group_key is not None).values(), default=1
        )


@dataclass(frozen=True)
class PairedEvidence:
    """What labels tell of the champion beside its predecessor.

    Attributes
    ----------
    evidence
        That on some day on it was worse by more than is allowed.
    difference
        Of the two scores on the rows of late; known without a label where the two differ nowhere.
    share
        Share of the rows of late on which the two differ, 0 to 1; None if none was compared.
    """

    evidence: ChangeEvidence
    difference: Estimate
    share: float | None


def judged_days(
    store: LoopStore, days: Sequence[ComparedDay], class_scores: Mapping[str, float], unknown: set[str]
) -> list[JudgedDay]:
    """Return compared days with the labels that came back.

    Parameters
    ----------
    store
        Tables of the loop.
    days
        Of one deployment.
    class_scores
        What a right answer earns, by the class of its label.
    unknown
        Classes that the champion cannot know; rows with such a label do not count.
    """
    taxonomy, labels = Taxonomy.of(store.loop.task), _labels(store, days)

    def difference(row: DifferingRow) -> float | None:
        label = labels.get(row.asked_trace_id)
        if label is None or label in unknown:
            return None
        return class_scores[label] * (
            (taxonomy.shown(row.champion) == label) - (taxonomy.shown(row.predecessor) == label)
        )

    judged = []
    for day in days:
        labeled = [(value, row.group_key) for row in day.drawn if (value := difference(row)) is not None]
        judged.append(JudgedDay(day, *(tuple(part) for part in (zip(*labeled, strict=True) if labeled else ((), ())))))
    return judged


def paired_evidence(days: Sequence[JudgedDay], allowed: float, since: date) -> PairedEvidence:
    """Return what the judged days of a deployment tell.

    Parameters
    ----------
    days
        Of one deployment.
    allowed
        By how much the champion's score may be below its predecessor's, 0 to 1.
    since
        Later days are of late.

    """
    of_late = [day for day in days if date.fromisoformat(day.compared.day) > since]
    return PairedEvidence(change_evidence(watched_day(day, allowed) for day in days), *_of_late(of_late))


def watched_day(day: JudgedDay, allowed: float) -> WatchedDay:
    """Return what a day's labels say against *the champion is worse than its predecessor by no more than is allowed*.

    Parameters
    ----------
    day
        With its labels.
    allowed
        As in `paired_evidence`.

    Notes
    -----
    Where two models agree their scores do not differ, whatever the label says. So a mean difference of ``allowed`` over all
    rows is one of ``allowed / share`` over those that they answer differently, of which the labeled ones are a uniform sample.
    A day on which they differ on no more rows than is allowed says nothing against the champion. Rows of a group are one bet.
    """
    if day.compared.share <= allowed:
        return WatchedDay(day.compared.number, ())
    bound = allowed / day.compared.share
    excess = one_by_group([-difference - bound for difference in day.differences], day.groups, day.largest_group)
    return WatchedDay(day.compared.number, excess, worst=1 + bound)


def _of_late(days: Sequence[JudgedDay]) -> tuple[Estimate, float | None]:
    """Return the difference over all rows of some days, and the share of them on which the two differ."""
    rows, differing = sum(day.compared.rows for day in days), sum(day.compared.differing for day in days)
    if not differing:
        return (Estimate(0.0, 0.0, 0.0, 0, 0.0), 0.0) if rows else (UNKNOWN, None)
    share = differing / rows
    labeled = [
        (value, len(day.differences) / day.compared.differing, group)
        for day in days
        for value, group in zip(day.differences, day.groups, strict=True)
    ]
    values, chances, groups = zip(*labeled, strict=True) if labeled else ((), (), ())
    difference = weighted_difference(values, chances, groups=groups)
    if difference.value is None or difference.low is None or difference.high is None:
        return UNKNOWN, share
    return replace(
        difference, value=difference.value * share, low=difference.low * share, high=difference.high * share
    ), share


def _labels(store: LoopStore, days: Sequence[ComparedDay]) -> dict[str, str]:
    """Return the label of each row that was asked, by trace id."""
    asked = sorted({row.asked_trace_id for day in days for row in day.drawn})
    if not asked:
        return {}
    stored = store.read("labels", columns=LABEL_COLUMNS, filters=[("trace_id", "in", asked)])
    labels = Taxonomy.of(store.loop.task).read_labels(current_labels(stored))
    rows = labels.select(["trace_id", "label"]).to_pylist()
    return {rows[place]["trace_id"]: rows[place]["label"] for place in newest_blind_last(labels)}
