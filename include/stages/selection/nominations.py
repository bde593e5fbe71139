"""What names rows as worth a label in a run of observe, in the order in which it does."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.selection_section import ColdStart
from include.foundation.config.selection_section import SmallGroups as Groups
from include.foundation.decisions import DriftVerdict
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.selection.committees import Committee
from include.stages.selection.nomination_kinds import Bars, HighImpact, LowConfidence, Nomination, SmallGroups
from include.stages.selection.sampled_nominations import CommitteeDisagreement, Coverage, Outliers


def nominations_of(
    store: LoopStore,
    verdict: DriftVerdict | None,
    bars: Bars,
    *,
    critical_first: bool = False,
    committee: Committee | None = None,
) -> list[Nomination]:
    """Return what nominates rows, in the order in which it does; the last one is their score alone, or coverage.

    Parameters
    ----------
    store
        Of the loop, which names the critical segments and what else nominates.
    verdict
        The drift verdict on the interval, or None if there is none. Half of what is chosen is of the segments that it wants
        labeled.
    bars
        What may not be chosen.
    critical_first
        Whether rows of `selection.critical` go before others that are no more than informative.
    committee
        Whose disagreement nominates; None if nobody's does.
    """
    loop, drifted = store.loop, dict[str, list[str]]()
    for segment in verdict.segments if verdict is not None and verdict.route == "label_segment" else ():
        name, _, value = segment.partition("=")
        drifted.setdefault(loop.segment_columns[name], []).append(value)
    critical = {loop.segment_columns[name]: values for name, values in loop.selection.critical.items()}
    nominations = [Nomination(bars, 0.5, drifted, "in a drifted segment", is_urgent=True)] if drifted else []
    nominations += _of_loop_file(store, bars, committee)
    if critical and critical_first:
        nominations.append(Nomination(bars, 1.0, critical, "in a critical segment"))
    return [*nominations, Coverage(bars, loop=loop) if cold_start(store) else Nomination(bars)]


def _of_loop_file(store: LoopStore, bars: Bars, committee: Committee | None) -> Iterator[Nomination]:
    loop, policy = store.loop, store.loop.selection.nominate
    if policy.impact:
        yield HighImpact(bars, policy.impact.share, is_urgent=True, at_least=policy.impact.at_least)
    if policy.low_confidence:
        yield LowConfidence(bars, policy.low_confidence.share, below=policy.low_confidence.below)
    if policy.committee and committee is not None:
        yield CommitteeDisagreement(bars, policy.committee.share, loop=loop, committee=committee)
    if policy.groups:
        column = loop.segment_columns.get(policy.groups.by, "predicted")
        labels = _labels_by(store, column, policy.groups)
        yield SmallGroups(bars, policy.groups.share, column=column, labels=labels, needed=policy.groups.labels)
    if policy.outliers:
        yield Outliers(bars, policy.outliers.share, loop=loop, at_least=policy.outliers.at_least)


def cold_start(store: LoopStore) -> ColdStart | None:
    """Return what the loop file says of a cold start, as long as the loop is at it."""
    policy = store.loop.selection.cold_start
    return policy if policy and _labels_to_train_on(store).num_rows < policy.labels else None


def _labels_to_train_on(store: LoopStore) -> pa.Table:
    labels = current_labels(store.read("labels"))
    return labels.filter(pc.equal(labels.column("split"), "train"))


def _labels_by(store: LoopStore, column: str, groups: Groups) -> Counter[str]:
    """Return how many labels to train on each group has, of classes in every name that they had."""
    labels = _labels_to_train_on(store)
    if groups.by != "predicted":
        return Counter(labels.column(column).to_pylist())
    taxonomy = Taxonomy.of(store.loop.task)
    by_class = Counter(taxonomy.current(name) for name in labels.column("label").to_pylist())
    return Counter({name: by_class[meaning] for name, meaning in taxonomy.meanings.items()})


def broken_columns(verdict: DriftVerdict | None, rows: pa.Schema) -> tuple[str, ...]:
    """Return the columns without whose value the drift verdict says that data are to be mended.

    Parameters
    ----------
    verdict
        On the interval, or None if there is none.
    rows
        Columns that there are.
    """
    if verdict is None or verdict.route != "fix_data":
        return ()
    columns = [
        finding.column.partition(":")[0]  # texts and vectors are watched by their measures, named column:measure
        for finding in verdict.columns
        if finding.flagged and finding.monitor == "data" and finding.statistic in {"missing", "not_logged"}
    ]
    return tuple(dict.fromkeys(name for name in columns if name in rows.names))
