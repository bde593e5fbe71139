"""What the demo's story came to: who replaced whom, and what it gained on the production distribution."""

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.decisions import GateVerdict, PublishedDataset, find, latest
from include.foundation.models.registry import ModelRegistry
from include.foundation.statistics.estimates import weighted_difference, weighted_mean
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.judged_rows import judged_rows
from include.stages.labels.datasets import read_dataset


def gains(store: LoopStore, registry: ModelRegistry) -> list[str]:
    """Return a sentence for each promotion, one on refusals, and one on the first champion against the present one."""
    lines = []
    for verdict in find(store, GateVerdict):
        difference = verdict.scores.difference
        if verdict.outcome == "promote" and difference.value is not None:
            lines.append(
                f"Challenger {verdict.subject[:8]} replaced version {verdict.champion_version}: difference in "
                f"accuracy {difference}; where the two differed it was right {verdict.wins:g} times, its "
                f"predecessor {verdict.losses:g} times."
            )
    refused = sum(verdict.outcome == "reject" for verdict in find(store, GateVerdict))
    lines.append(f"{refused} challenger(s) were refused.")
    return [*lines, *_since_the_beginning(store, registry)]


def _since_the_beginning(store: LoopStore, registry: ModelRegistry) -> list[str]:
    newest, present = latest(store, PublishedDataset), registry.champion()
    if newest is None or present is None:
        return []
    first = registry.load(run_id=registry.run_of("1"), version="1")
    held = read_dataset(store, newest.subject).holdout
    drawn: pa.Table = held.filter(pc.equal(held.column("stratum"), "random"))
    rows = judged_rows(store.loop, drawn, first, present)
    before = weighted_mean(rows.challenger_scores - rows.differences, rows.probabilities)
    after = weighted_mean(rows.challenger_scores, rows.probabilities)
    difference = weighted_difference(rows.differences, rows.probabilities)
    said = f"On all random rows, which no model was trained on: version 1 {before}, version {present.version} {after}"
    return [f"{said}, difference {difference}."]
