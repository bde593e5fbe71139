"""One rule says which rows are of late, for what is trained on and for what judges."""

from datetime import timedelta

import pytest

from include.stages.evaluation.recent_holdout import judging_rows
from include.stages.training import recent_labels
from tests.include.stages.evaluation.judged_builders import DAY, answered_row, dataset_of, make_judged_loop


@pytest.mark.parametrize("shift", [0, 1])
def test_of_rows_of_one_time_the_same_are_newer_in_training_and_in_the_holdout(
    monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    monkeypatch.setattr(recent_labels, "FEWEST", 2)
    loop = make_judged_loop()
    loop = loop.model_copy(
        update={
            "split": loop.split.model_copy(update={"holdout_days": 1, "holdout_rows": 2}),
            "training": loop.training.model_copy(update={"label_days": 1}),
        }
    )
    times = [DAY - timedelta(days=9)] * 3 + [DAY]
    labels = [answered_row(n, "aaa", ts=times[n - shift if n >= shift else 3]) for n in range(4)]
    dataset = dataset_of(loop, labels)
    held, trained = judging_rows(loop, dataset, first=False), recent_labels.recent_labels(loop, dataset.holdout)
    assert set(held.column("trace_id").to_pylist()) == set(trained.column("trace_id").to_pylist())
    assert held.num_rows == 2
