"""A cycle's notes are written to the store and to the challenger's run."""

from pathlib import Path

from feedback_loop.operators.write_release_notes import WriteReleaseNotesOperator

from include.foundation.decisions import PublishedDataset, latest
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.judging import judge
from include.stages.labels.datasets import read_dataset
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import train_challenger
from tests.include.stages.training.challenger_builders import publish_labels
from tests.plugins.operators.operator_builders import context, with_store


def test_notes_of_a_verdict_are_where_the_task_says(labeled, registry):
    publish_labels(labeled, range(12))
    publish_labels(labeled, range(12, 42), split="holdout", stratum="random")
    plan, name = decide_retrain(labeled), latest(labeled, PublishedDataset).subject
    run_id = train_challenger(labeled, plan, registry).run_id
    verdict = judge(labeled, evaluate(labeled, read_dataset(labeled, name), name, None, registry.load(run_id=run_id)))
    operator = WriteReleaseNotesOperator(task_id="t", loop="tiny", decision=verdict.reference)
    uri = with_store(operator, labeled, registry).execute(context())["uri"]
    assert "tiny" in Path(uri).read_text()
    kept = [file.path for file in registry.client.list_artifacts(run_id)]
    assert {"release_notes.html", "release_notes.md"} <= set(kept)
