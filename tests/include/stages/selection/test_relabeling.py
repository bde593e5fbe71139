"""Rows whose class was retired are asked about again: in their split, with their probability, within a share of a batch."""

import pytest

from include.foundation.decisions import SelectedBatch, latest
from include.foundation.store.ledgers.labeled_draws import labeled_draws
from include.foundation.store.ledgers.outcomes import current_labels
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day, line, make_store, write_lines
from tests.include.stages.labels.label_builders import collect, everyone_answers, pushed_store, truth

ROWS = 36
SELECTION = {"budget": ROWS, "diversify": "none", "random_share": 0.5}
SPLIT = {"classes": ["earn", "acq", "wheat", "corn"], "retired": ["grain"]}


def now(trace):
    """What a row is among the later classes: half of what was grain is wheat."""
    return truth(trace) if truth(trace) != "grain" else ("wheat", "corn")[int(trace[1:]) % 2]


class Changed:
    """A loop whose rows were all labeled before a class was retired, and that has a second day to choose from."""

    def __init__(self, folder, task=SPLIT, **selection):
        self.folder = folder
        labeling = {"hidden_prelabel_share": 0.0}
        before, requests = pushed_store(folder, ROWS, selection=SELECTION, labeling=labeling)
        everyone_answers(folder, requests, truth)
        collect(before)
        validate_labels(before)
        self.before = {row["trace_id"]: row for row in before.read("labels").to_pylist()}
        self.first = {row["trace_id"]: row for row in before.read("requests").to_pylist()}
        own = {"budget": 20, "diversify": "none", "random_share": 0.2, **selection}
        self.store = make_store(folder, task=task, selection=own, labeling=labeling)
        write_lines(folder, [line(n, when=day(1).start) for n in range(100, 140)], "later.jsonl")
        pull_logs(self.store, day(1), KEY)

    def ask(self, number=1):
        """Ask for the batch of a day and return its requests on the first day's rows, by trace id."""
        select_samples(self.store, day(number))
        rows = self.store.read("requests", filters=[("batch_id", "=", day(number).key)]).to_pylist()
        self.asked = {row["trace_id"]: row["request_id"] for row in rows}
        return {row["trace_id"]: row for row in rows if row["trace_id"] in self.before}

    def answer(self):
        push_requests(self.store, backend_for(self.store.loop, None))
        everyone_answers(self.folder, self.asked, now, minute=30)
        collect(self.store)
        return validate_labels(self.store)

    @property
    def of_grain(self):
        return {trace for trace, row in self.before.items() if row["label"] == "grain"}


def test_rows_of_a_retired_class_are_asked_again_held_out_ones_first(tmp_path):
    world = Changed(tmp_path)
    again = world.ask()
    assert len(world.asked) == 20
    assert len(again) == 8  # half of what is not drawn
    assert set(again) <= world.of_grain
    held_out = {trace for trace in world.of_grain if world.first[trace]["split"] == "holdout"}
    assert held_out
    assert held_out <= set(again) or set(again) < held_out
    (note,) = (each for each in latest(world.store, SelectedBatch, day(1).key).reasons if "asked again" in each)
    assert note == "8 more rows are asked again, since the class of their label was retired."


def test_row_that_is_asked_again_keeps_split_stratum_probability_and_blindness(tmp_path):
    world = Changed(tmp_path, relabel_share=1.0)
    again = world.ask()
    assert set(again) == world.of_grain
    for trace, row in again.items():
        for name in ("split", "stratum", "inclusion_probability", "content_key", "hidden_prelabel", "tier"):
            assert row[name] == world.first[trace][name], name
    assert {row["hidden_prelabel"] for row in again.values()} == {True, False}


def test_annotators_read_why_and_only_those_who_see_the_pre_label_what_was_said_before(tmp_path):
    again = Changed(tmp_path, relabel_share=1.0).ask()
    one_of = "is it one of acq, corn, earn, wheat?"
    reasons = {row["hidden_prelabel"]: row["reasons"] for row in again.values()}
    assert reasons == {
        True: [f"asked again: its class was retired; {one_of}"],
        False: [f"asked again: class grain was retired; {one_of}"],
    }


def test_new_labels_take_the_place_of_the_old_and_the_holdout_has_its_classes_again(tmp_path):
    world = Changed(tmp_path, relabel_share=1.0)
    drawn = {draw.trace_id: draw.inclusion_probability for draw in labeled_draws(make_store(tmp_path))}
    world.ask()
    assert world.answer().accepted == len(world.asked)
    labels = {row["trace_id"]: row for row in current_labels(world.store.read("labels")).to_pylist()}
    for trace in world.of_grain:
        assert labels[trace]["label"] == now(trace)
        assert labels[trace]["supersedes"] == world.before[trace]["label_id"]
    dataset = read_dataset(world.store, publish_dataset(world.store).subject)
    for rows in (dataset.train, dataset.holdout):
        assert {"wheat", "corn"} <= set(rows.column("label").to_pylist())
    present = {draw.trace_id: draw.inclusion_probability for draw in labeled_draws(world.store)}
    assert drawn.items() <= present.items()


def test_batch_of_rows_that_are_asked_again_is_not_refused_for_its_classes(tmp_path):
    """All of them become one class, of which there was none before."""
    world = Changed(tmp_path, {"classes": ["earn", "acq", "wheat"], "retired": ["grain"]}, relabel_share=1.0)
    world.ask()
    push_requests(world.store, backend_for(world.store.loop, None))
    again = {trace: request for trace, request in world.asked.items() if trace in world.of_grain}
    everyone_answers(tmp_path, again, lambda _: "wheat", minute=30)
    collect(world.store)
    assert validate_labels(world.store).accepted == len(again)


def test_no_row_is_asked_again_twice(tmp_path):
    world = Changed(tmp_path, relabel_share=1.0)
    first = set(world.ask())
    write_lines(tmp_path, [line(n, when=day(2).start) for n in range(200, 240)], "third.jsonl")
    pull_logs(world.store, day(2), KEY)
    assert first == world.of_grain
    assert world.ask(2) == {}


def test_what_does_not_fit_waits_for_the_next_run(tmp_path):
    world = Changed(tmp_path, relabel_share=0.25)
    first = world.ask()
    write_lines(tmp_path, [line(n, when=day(2).start) for n in range(200, 240)], "third.jsonl")
    pull_logs(world.store, day(2), KEY)
    second = world.ask(2)
    assert (len(first), len(second)) == (4, 4)
    assert not set(first) & set(second)


@pytest.mark.parametrize(("share", "rows"), [(0.0, 0), (0.01, 1), (0.5, 8)])
def test_share_bounds_what_is_asked_again(tmp_path, share, rows):
    assert len(Changed(tmp_path, relabel_share=share).ask()) == rows


def test_without_a_retired_class_nothing_is_asked_again(tmp_path):
    task = {"classes": ["earn", "acq", "cereals"], "renamed": {"grain": "cereals"}}
    assert Changed(tmp_path, task).ask() == {}
