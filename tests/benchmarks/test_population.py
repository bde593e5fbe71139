"""A loop whose contents repeat is played by the product's own code, and held against what it served."""

from dataclasses import replace

from benchmarks.population import estimates, raters, verdicts
from benchmarks.workloads.repeating_loop import Traffic

TRAFFIC = Traffic(contents=60, rows=40, days=12, frequent=0.5, rare=0.9, budget=20)


def test_estimates_are_held_against_the_rows_that_were_served():
    line = estimates("repeats", TRAFFIC, 1)
    assert (line["trials"], line["drawn"], line["dry_days"]) == (1, 48, 0)
    assert 0 < line["labels_paid"] < line["drawn"]
    assert abs(line["bias"]) < 30


def test_challenger_that_is_right_everywhere_is_seen_to_be_better():
    better = replace(TRAFFIC, contents=3000, rows=100, challenger_frequent=1.0, challenger_rare=1.0)
    line = verdicts("better", better, 1)
    assert line["gain_over_rows"] > 5
    assert line["rate"] == 1.0


def test_loop_whose_annotators_err_states_figures_that_are_held_against_what_is_true():
    lines = {line["case"]: line for line in raters(1, 1)}
    assert {"raters recall by class", "raters slices", "raters difference", "raters live accuracy by cycle"} <= set(
        lines
    )
    recall = lines["raters recall by class"]
    assert recall["trials"] == 3
    assert abs(recall["bias"]) < 25
    assert recall["of_labels"] is not None
