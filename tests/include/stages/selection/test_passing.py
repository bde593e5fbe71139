"""Predictions pass from the confidence on from which labels show that no more are wrong than is allowed."""

from datetime import UTC, datetime

import numpy as np
import pytest

from include.foundation.decisions import SelectedBatch, latest
from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.store.ledgers.labeled_draws import LabeledDraw
from include.stages.logs.pulling import pull_logs
from include.stages.selection.passing import Passing, Thresholds, passing_threshold
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day, line, make_store, write_lines

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def draws(confidences, wrong, chances=None, groups=None):
    n = len(confidences)
    return [
        LabeledDraw(
            trace_id=f"t{place}", ts=NOW, label="b" if wrong[place] else "a", predicted="a", model_version="1",
            confidence=confidences[place], inclusion_probability=1.0 if chances is None else chances[place], segments={},
            group_key=None if groups is None else groups[place], is_trained_on=False, label_id="", request_id=None,
        )
        for place in range(n)
    ]  # fmt: skip


def test_threshold_is_where_errors_begin():
    confidences = np.linspace(0, 1, 2000)
    passing = passing_threshold("1", draws(confidences, confidences < 0.4), 0.02)
    assert passing.threshold == pytest.approx(0.4, abs=0.06)
    assert (passing.error.value, passing.share.value) == (0.0, pytest.approx(0.6, abs=0.06))
    assert passing.says(0.02).startswith("Predictions of version 1 pass from a confidence of 0.4")


@pytest.mark.parametrize(
    ("confidences", "wrong"),
    [([], []), ([None] * 500, [False] * 500), ([0.9] * 20, [False] * 20), (list(np.linspace(0, 1, 500)), [True] * 500)],
)
def test_what_is_not_shown_does_not_pass(confidences, wrong):
    passing = passing_threshold("1", draws(confidences, wrong), 0.02)
    assert passing == Passing("1", None, UNKNOWN, UNKNOWN)
    assert passing.says(0.02) == "No confidence of version 1 is shown to be wrong in at most 2.0% of the rows."


def test_rows_that_are_as_sure_pass_together():
    confidences = [0.9] * 600 + [0.5] * 400
    passing = passing_threshold("1", draws(confidences, [False] * 600 + [True] * 400), 0.02)
    assert (passing.threshold, passing.error.rows) == (0.9, 600)
    passing = passing_threshold("1", draws([0.9] * 1000, [False] * 900 + [True] * 100), 0.02)
    assert passing.threshold is None


def test_too_many_errors_pass_in_at_most_one_loop_of_twenty():
    generator, trials, missed, passed = np.random.default_rng(7), 400, 0, []
    for _ in range(trials):
        confidences = generator.beta(4, 1, 600)
        errors = 0.3 * (1 - confidences)  # probability of an error at that confidence
        passing = passing_threshold("1", draws(confidences, generator.random(600) < errors), 0.05)
        if passing.threshold is not None:
            sure = generator.beta(4, 1, 20_000)
            sure = sure[sure >= passing.threshold]
            missed += (0.3 * (1 - sure)).mean() > 0.05
            passed.append(passing.share.value or 0.0)
    assert missed <= 0.05 * trials, f"{missed} of {trials} thresholds let more errors pass than allowed"
    assert np.median(passed) > 0.4


def test_weights_and_groups_count():
    confidences, wrong = [0.9] * 1000, [place < 10 for place in range(1000)]
    chances = [0.05 if place < 10 else 1.0 for place in range(1000)]
    assert passing_threshold("1", draws(confidences, wrong), 0.05).threshold == 0.9
    assert passing_threshold("1", draws(confidences, wrong, chances), 0.05).threshold is None
    pairs, few = [f"g{place // 2}" for place in range(1000)], [f"g{place % 10}" for place in range(1000)]
    assert passing_threshold("1", draws(confidences, [False] * 1000, groups=pairs), 0.05).threshold == 0.9
    assert passing_threshold("1", draws(confidences, [False] * 1000, groups=few), 0.05).threshold is None


def test_rows_that_pass_are_drawn_but_not_chosen(tmp_path, monkeypatch):
    sure = dict.fromkeys(["acq", "earn", "grain"], 0.01) | {"earn": 0.98}
    store = make_store(tmp_path, selection={"budget": 40, "diversify": "none", "pass_error": 0.05})
    write_lines(tmp_path, [line(n, when=day().start, **({"probabilities": sure} if n % 2 else {})) for n in range(120)])
    pull_logs(store, day(), KEY)
    assert Thresholds(store, day()).of("1") == Passing("1", None)
    shown = draws([0.98] * 500 + [0.6] * 500, [False] * 500 + [True] * 500)
    monkeypatch.setattr("include.stages.selection.passing.labeled_draws", lambda *_, **__: shown)
    select_samples(store, day())
    rows = store.read("requests").to_pylist()
    confidences = {
        stratum: {row["prelabel_confidence"] for row in rows if row["stratum"] == stratum}
        for stratum in ("random", "certainty")
    }
    assert confidences == {"random": {0.6, 0.98}, "certainty": {0.6}}
    said = latest(store, SelectedBatch, day().key).reasons
    assert any(
        "pass from a confidence of 0.980 on: 50% of the rows, wrong in 0.0%, at most" in reason for reason in said
    )
