"""What users corrected counts beside annotators, as much as it deserves, and never for what judges a model."""

from datetime import timedelta
from typing import Any

import pytest

from include.foundation.store.ledgers.annotations import latest_said
from include.foundation.store.ledgers.outcomes import current_labels
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.labels.label_validation import validate_labels
from include.stages.labels.user_voices import user_votes
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import CLASSES, DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.labeling.test_user_corrections import correction
from tests.include.stages.labels.label_builders import collect, pushed_store, truth, write_answers
from tests.include.stages.selection.selection_builders import add_rows

ROWS = 40


def wrong(trace):
    return CLASSES[(CLASSES.index(truth(trace)) + 1) % 3]


class Team:
    """Two annotators who agree on the truth but for contested rows, where only the first says it, and users beside them."""

    def __init__(self, folder, **sections):
        selection = {"budget": ROWS, "diversify": "none", "random_share": 0.3}
        labeling = {"overlap": 2, "hidden_prelabel_share": 0.0}
        self.folder = folder
        self.store, self.requests = pushed_store(
            folder, ROWS, **{"selection": selection, "labeling": labeling, **sections}
        )
        ledger = {row["trace_id"]: row for row in self.store.read("requests").to_pylist()}
        self.train, self.holdout = (
            sorted(trace for trace, row in ledger.items() if row["split"] == split) for split in ("train", "holdout")
        )

    def decide(self, corrections, contested=()):
        add_rows(self.store, "feedback", corrections)
        for name in ("ann", "bob"):
            said = {t: wrong(t) if name == "bob" and t in contested else truth(t) for t in self.requests}
            write_answers(self.folder, name, {self.requests[trace]: label for trace, label in said.items()})
        collect(self.store)
        validate_labels(self.store)
        return self.labels()

    def labels(self):
        rows = current_labels(self.store.read("labels")).to_pylist()
        return {row["trace_id"]: row for row in rows}


def test_users_who_are_mostly_right_decide_what_annotators_are_even_on(tmp_path):
    team = Team(tmp_path)
    row = team.train[0]
    label = team.decide([correction(trace, truth(trace)) for trace in team.train[:20]], contested=[row])[row]
    assert (label["label"], label["decided_by"]) == (truth(row), "dawid_skene_and_users")
    assert (label["annotators"], label["agreement"]) == (2, 0.5)


def test_users_do_not_count_where_the_loop_file_says_so(tmp_path):
    team = Team(tmp_path, labels={"users_count": False})
    row = team.train[0]
    labels = team.decide([correction(trace, truth(trace)) for trace in team.train[:20]], contested=[row])
    assert row not in labels
    assert {label["decided_by"] for label in labels.values()} == {"dawid_skene"}


def test_users_who_say_anything_decide_nothing(tmp_path):
    team = Team(tmp_path)
    row = team.train[0]
    guesses = [CLASSES[(CLASSES.index(truth(trace)) + place) % 3] for place, trace in enumerate(team.train)]
    guessed = [correction(trace, guess) for trace, guess in zip(team.train[1:], guesses[1:], strict=True)]
    labels = team.decide([*guessed, correction(row, wrong(row))], contested=[row])
    assert row not in labels
    assert {trace: label["label"] for trace, label in labels.items()} == {trace: truth(trace) for trace in labels}


def test_users_of_whom_nothing_is_known_decide_nothing_alone_among_annotators_who_agree(tmp_path):
    team = Team(tmp_path)
    labels = team.decide([correction(team.train[0], wrong(team.train[0]), f"u{n}") for n in range(30)])
    assert labels[team.train[0]]["label"] == truth(team.train[0])


def test_users_alone_make_no_label(tmp_path):
    team = Team(tmp_path, labeling={"overlap": 2, "hidden_prelabel_share": 0.0, "deadline_hours": 0.000001})
    add_rows(team.store, "feedback", [correction(t, truth(t), f"u{n}") for t in team.train for n in range(3)])
    assert collect(team.store).corrections == 3 * len(team.train)
    assert validate_labels(team.store).received == 0
    write_answers(tmp_path, "ann", {team.requests[team.train[0]]: None})
    collect(team.store)
    assert validate_labels(team.store).accepted == 0
    assert team.labels() == {}


@pytest.mark.parametrize("said", [truth, wrong])
def test_labels_that_judge_a_model_never_hear_users(tmp_path, said):
    """Users correct where a model is wrong: labels and confidences of the holdout are the same to the last digit."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    alone, beside = Team(tmp_path / "a"), Team(tmp_path / "b")
    contested = [*alone.holdout[:3], *alone.train[:3]]
    without = alone.decide([], contested)
    heard = beside.decide([correction(trace, said(trace)) for trace in beside.requests], contested)
    assert "dawid_skene_and_users" in {heard[trace]["decided_by"] for trace in beside.train if trace in heard}
    judging = [
        {key: value for key, value in rows[trace].items() if key != "label_id"}
        for rows in (without, heard)
        for trace in alone.holdout
        if trace in rows
    ]
    assert judging[: len(judging) // 2] == judging[len(judging) // 2 :]
    assert {row["decided_by"] for row in judging} == {"dawid_skene"}


def test_users_do_not_count_where_the_pre_label_was_hidden(tmp_path):
    """Such an answer may count for a row that is drawn later, and so judge a model."""
    team = Team(tmp_path, labeling={"overlap": 2, "hidden_prelabel_share": 1.0}, labels={"model_counts": False})
    labels = team.decide([correction(trace, truth(trace)) for trace in team.train])
    assert {label["decided_by"] for label in labels.values()} == {"dawid_skene"}


def test_majority_weighs_no_one_and_so_hears_no_users(tmp_path):
    team = Team(tmp_path, labels={"consensus": "majority"})
    row = team.train[0]
    labels = team.decide([correction(trace, wrong(trace)) for trace in team.train])
    assert (labels[row]["label"], labels[row]["confidence"]) == (truth(row), 1.0)


def test_later_correction_that_changes_nothing_writes_nothing(tmp_path):
    team = Team(tmp_path)
    before = team.decide([])
    add_rows(team.store, "feedback", [correction(team.train[0], truth(team.train[0]))])
    collect(team.store)
    version = team.store.version("labels")
    assert validate_labels(team.store).accepted == 0
    assert (team.store.version("labels"), team.labels()) == (version, before)


def test_kind_speaks_with_one_voice_and_is_silent_where_its_people_are_even(tmp_path):
    team = Team(tmp_path)
    first, second, third = team.train[:3]
    rows = [correction(first, "earn", "u1"), correction(first, "earn", "u2"), correction(first, "acq", "u3")]
    rows += [correction(second, "earn", "u1"), correction(second, "acq", "u2")]
    rows += [correction(third, "acq", "u1"), correction(third, "earn", "u1", minute=1, kind="implicit")]
    add_rows(team.store, "feedback", rows)
    collect(team.store)
    said = latest_said(team.store, [team.requests[trace] for trace in (first, second, third)])[1]
    corrections = [[each for each in said if each.trace_id == trace] for trace in (first, second, third)]
    votes = user_votes(corrections, CLASSES)
    assert votes is not None
    heard = sorted(zip(votes.item.tolist(), votes.annotator.tolist(), votes.label.tolist(), strict=True))
    earn, acq = CLASSES.index("earn"), CLASSES.index("acq")
    assert heard == [(0, 0, earn), (2, 0, acq), (2, 1, earn)]
    assert user_votes([[], []], CLASSES) is None


def test_correction_goes_from_its_line_to_the_label_once_and_under_a_pseudonym_of_users(tmp_path):
    """A user who is an annotator as well has two pseudonyms: nobody can join them, and the two answers are of two roles."""
    selection = {"budget": 4, "diversify": "none", "random_share": 0.0}
    feedback, labeling = {"uri": str(tmp_path / "feedback")}, {"overlap": 2, "hidden_prelabel_share": 0.0}
    labels = {"min_confidence": 0.6}  # little is known of these users
    store = make_store(tmp_path, selection=selection, labeling=labeling, feedback=feedback, labels=labels)
    said: dict[str, Any] = {
        "feedback_id": "f1",
        "trace_id": "t7",
        "ts": (DAY + timedelta(hours=4)).isoformat(),
        "kind": "explicit",
    }
    said |= {"signal": "correction", "value": {"label": truth("t7")}, "user_id": "ann", "comment": "by ann@example.org"}
    write_lines(tmp_path, [said], "../feedback/a.jsonl")
    write_lines(tmp_path, [line(n, prediction=wrong("t7") if n == 7 else truth(f"t{n}")) for n in range(12)])
    pull_logs(store, day(), KEY)
    assert pull_feedback(store, day(), KEY).rows == 1
    assert select_samples(store, day()).reported == 1
    push_requests(store, backend_for(store.loop, None))
    requests = {row["trace_id"]: row["request_id"] for row in store.read("requests").to_pylist()}
    for name in ("ann", "bob"):
        answers = {trace: wrong(trace) if (name, trace) == ("bob", "t7") else truth(trace) for trace in requests}
        write_answers(tmp_path, name, {requests[trace]: label for trace, label in answers.items()})
    assert [collect(store).corrections for _ in range(2)] == [1, 0]
    rows = store.read("annotations", filters=[("trace_id", "=", "t7")]).to_pylist()
    assert len({row["annotator"] for row in rows}) == 3
    (user,) = (row for row in rows if row["kind"] == "explicit")
    assert user["annotator"] == store.read("feedback").column("user_key").to_pylist()[0] != "ann"
    assert "ann@" not in user["comment"]
    validate_labels(store)
    label = current_labels(store.read("labels", filters=[("trace_id", "=", "t7")])).to_pylist()[0]
    assert (label["label"], label["decided_by"], label["annotators"]) == (truth("t7"), "dawid_skene_and_users", 2)
