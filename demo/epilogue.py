"""The demo's result: which version replaced which, and what that gained on the production distribution."""

from include.foundation.decisions import GateVerdict, PublishedDataset, find, latest
from include.foundation.models.registry import ModelRegistry
from include.foundation.statistics.estimates import weighted_difference, weighted_mean
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.judged_rows import judged_rows
from include.stages.evaluation.recent_holdout import holdout_history
from include.stages.labels.datasets import read_dataset


def gains(store: LoopStore, registry: ModelRegistry) -> list[str]:
    """Return a sentence for each promotion, one on rejections, and one that compares the first and the present champion."""
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
    lines.append(f"{refused} challenger{'' if refused == 1 else 's'} refused.")
    return [*lines, *_since_the_beginning(store, registry)]


def _since_the_beginning(store: LoopStore, registry: ModelRegistry) -> list[str]:
    newest, present = latest(store, PublishedDataset), registry.champion()
    if newest is None or present is None or present.version == "1":
        return []
    first = registry.load(run_id=str(registry.run_of("1")), version="1")
    history = holdout_history(store.loop, read_dataset(store, newest.subject))
    rows = judged_rows(store.loop, history, first, present)
    first_score = weighted_mean(rows.challenger_scores - rows.differences, rows.inclusion_probabilities)
    present_score = weighted_mean(rows.challenger_scores, rows.inclusion_probabilities)
    difference = weighted_difference(rows.differences, rows.inclusion_probabilities)
    scores = f"version 1 {first_score}, version {present.version} {present_score}, difference {difference}"
    return [f"On all rows that were drawn at random: {scores}."]
