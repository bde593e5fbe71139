"""Weak signals shift what annotators leave open, by what drawn rows have shown of them, and never what judges a model."""

from typing import Any

import numpy as np
import pytest

from include.stages.labels.signal_shifts import signal_shifts
from tests.builders import CLASSES, DAY
from tests.include.stages.labels.label_builders import truth
from tests.include.stages.labels.test_user_voices import Team, wrong
from tests.include.stages.selection.selection_builders import add_rows, report_row

DRAWN = 100  # rows, of which the model is wrong in every fifth


def measure(store):
    """Let drawn rows show that the model was wrong wherever users pointed their thumbs down."""
    draws, labels, signals = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for number in range(DRAWN):
        name = f"drawn{number:03d}"
        row: dict[str, Any] = {"trace_id": name, "stratum": "random", "inclusion_probability": 0.5, "ts": DAY}
        row |= {"model_version": "1", "predicted": CLASSES[0], "content_key": f"c-{name}"}
        label: dict[str, Any] = {"label_id": f"l-{name}", "request_id": f"r-{name}", "label": CLASSES[number % 5 == 0]}
        label |= {"decided_by": "dawid_skene", "origin": "annotation", "split": "holdout", "hidden_prelabel": True}
        draws.append(row | {"batch_id": "b", "asked_trace_id": name, "drawn_at": DAY})
        labels.append(row | label | {"near_key": f"n-{name}", "input_text": name, "decided_at": DAY})
        if number % 5 == 0:
            signals.append(thumbs_down(name))
        elif number < 60:
            signals.append(thumbs_down(name, "click", kind="implicit"))
    for name, rows in (("draws", draws), ("labels", labels), ("feedback", signals)):
        add_rows(store, name, rows)


def thumbs_down(trace, signal="thumbs_down", **fields):
    return report_row(trace, signal=signal, feedback_id=f"{signal}-{trace}", ts=DAY, **fields)


def test_shift_is_the_odds_that_the_signal_was_shown_to_be_worth(tmp_path):
    team = Team(tmp_path)
    measure(team.store)
    told, liked, _ = team.train[:3]
    add_rows(team.store, "feedback", [thumbs_down(told), thumbs_down(liked, "click", kind="implicit")])
    shifts = signal_shifts(team.store, [team.requests[trace] for trace in team.train])
    assert shifts is not None
    expected = (20 + 2 * 0.2) / 22  # wrong in all of 20 rows, drawn to one in five of all by two rows
    classes = team.store.loop.task.classes
    place = classes.index(truth(told))  # which is what the model said
    assert shifts[0][place] == pytest.approx(np.log((1 - expected) / 0.8))
    assert np.delete(shifts[0], place) == pytest.approx(np.log(expected / 0.2))
    place = classes.index(truth(liked))
    assert shifts[1][place] > 0 > np.delete(shifts[1], place).max()
    assert not shifts[2:].any()


def test_signal_that_tells_of_errors_decides_what_annotators_are_even_on(tmp_path):
    team = Team(tmp_path)
    measure(team.store)
    row = team.train[0]
    label = team.decide([thumbs_down(row)], contested=[row])[row]
    assert (label["label"], label["decided_by"]) == (wrong(row), "dawid_skene_and_users")


@pytest.mark.parametrize(
    ("signal", "labels"),
    [({}, {"users_count": False}), ({"held_back": "burst_source"}, {}), ({"signal": "never measured"}, {})],
    ids=["loop file", "held back", "not measured"],
)
def test_signal_that_does_not_count_decides_nothing(tmp_path, signal, labels):
    team = Team(tmp_path, labels=labels)
    measure(team.store)
    row = team.train[0]
    assert row not in team.decide([thumbs_down(row, **signal)], contested=[row])


def test_signal_overrules_no_annotators_who_agree_and_makes_no_label(tmp_path):
    team = Team(tmp_path)
    measure(team.store)
    signals = [thumbs_down(trace) for trace in team.train]
    add_rows(team.store, "feedback", signals)
    assert not set(team.labels()) & set(team.train)
    labels = team.decide([])
    assert {trace: labels[trace]["label"] for trace in team.train if trace in labels} == {
        trace: truth(trace) for trace in team.train if trace in labels
    }
    assert sum(trace in labels for trace in team.train) > len(team.train) / 2


def test_labels_that_judge_never_hear_signals(tmp_path):
    team = Team(tmp_path)
    measure(team.store)
    add_rows(team.store, "feedback", [thumbs_down(trace) for trace in team.holdout])
    assert signal_shifts(team.store, [team.requests[trace] for trace in team.holdout]) is None
    labels = team.decide([], contested=team.holdout[:2])
    assert not set(team.holdout[:2]) & set(labels)
    assert {labels[trace]["decided_by"] for trace in team.holdout[2:]} == {"dawid_skene"}
