"""Bursts of one person or one source are held back, in whatever order and splits they come."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.foundation.config.data_sections import Feedback
from include.stages.logs.feedback.bursts import held_back
from include.stages.logs.feedback.feedback_joins import MOST_SPANS, hold_back_bursts
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from include.stages.selection.user_reports import reported_rows
from tests.builders import DAY, KEY, day, line, make_store, write_lines

POLICY = Feedback(burst_signals=3, burst_minutes=10)


def signal(number, minute, person="p", source=None, signal="report", kind="explicit"):
    return {
        "feedback_id": f"f{number}", "trace_id": f"t{number}", "ts": DAY + timedelta(minutes=minute), "kind": kind,
        "signal": signal, "user_key": person, "source": source,
    }  # fmt: skip


def brute_force(rows):
    """Every window that begins at a signal."""
    found = {}
    for name, reason in (("user_key", "burst_person"), ("source", "burst_source")):
        for first in rows:
            if first[name] is None:
                continue
            inside = [
                row
                for row in rows
                if row[name] == first[name] and timedelta(0) <= row["ts"] - first["ts"] < timedelta(minutes=10)
            ]
            if len(inside) >= POLICY.burst_signals:
                for row in inside:
                    found.setdefault(row["feedback_id"], reason)
    return found


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from(["p", "q", None]), st.sampled_from(["app", None])), max_size=14
    ),
    st.randoms(use_true_random=False),
)
def test_burst_is_what_a_brute_force_search_finds_in_any_order(found, random):
    rows = [signal(number, *values) for number, values in enumerate(found)]
    expected = brute_force(rows)
    random.shuffle(rows)
    assert held_back(POLICY, rows) == dict(sorted(expected.items()))


def test_clicks_and_sensors_are_many_by_nature():
    rows = [signal(n, n, signal="click", kind="implicit") for n in range(9)] + [
        signal(n, n, signal="rating", kind="automated") for n in range(9, 18)
    ]
    assert held_back(POLICY, rows) == {}


def write(folder, name, minutes):
    lines = [
        {**signal(n, minute), "ts": (DAY + timedelta(minutes=minute)).isoformat(), "user_id": "u1"}
        for n, minute in minutes
    ]
    for one in lines:
        one.pop("user_key")
    (folder / "feedback").mkdir(exist_ok=True)
    (folder / "feedback" / name).write_text("".join(json.dumps(one) + "\n" for one in lines))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([(0, 0), (1, 4), (2, 8), (3, 50)]))
def test_signals_that_came_before_are_held_back_too_and_not_nominated(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("bursts")
    policy = {"uri": str(folder / "feedback"), "burst_signals": 3, "burst_minutes": 10}
    store = make_store(folder, feedback=policy)
    write_lines(folder, [line(n) for n in range(5)])
    pull_logs(store, day(), KEY)
    for count, one in enumerate(order):
        write(folder, f"{count}.jsonl", [one])
        report = pull_feedback(store, day(), KEY)
    assert report.held_back == 3
    held = {row["feedback_id"]: row["held_back"] for row in store.read("feedback").to_pylist()}
    assert held == {"f0": "burst_person", "f1": "burst_person", "f2": "burst_person", "f3": None}
    frame, _ = reported_rows(store, day().end, 0)
    assert frame.rows.column("trace_id").to_pylist() == ["t3"]


def burst_store(folder, **logs):
    policy = {"uri": str(folder / "feedback"), "burst_signals": 3, "burst_minutes": 10}
    return make_store(folder, feedback=policy, logs=logs)


def held_in(store):
    return [row["feedback_id"] for row in store.read("feedback").to_pylist() if row["held_back"]]


@pytest.mark.parametrize("days_ago", [0, 3, 400])
@pytest.mark.parametrize("split", [[3], [1, 2], [2, 1], [1, 1, 1]])
def test_burst_is_held_back_however_old_it_says_it_is_and_however_it_is_split(tmp_path, days_ago, split):
    store, minutes = burst_store(tmp_path), [(n, 1 + n - days_ago * 24 * 60) for n in range(3)]
    for count, size in enumerate(split):
        write(tmp_path, f"{count}.jsonl", minutes[:size])
        minutes = minutes[size:]
        pull_feedback(store, day(), KEY)
    assert held_in(store) == ["f0", "f1", "f2"]


def test_burst_across_the_beginning_of_what_a_pull_looks_at_is_held_back(tmp_path):
    store = burst_store(tmp_path, look_back_hours=0)
    write(tmp_path, "a.jsonl", [(0, -5), (1, -4)])
    pull_feedback(store, day(-1), KEY)
    assert held_in(store) == []
    write(tmp_path, "b.jsonl", [(2, 1), (3, 8)])
    pull_feedback(store, day(), KEY)
    assert held_in(store) == ["f0", "f1", "f2"]


def test_bursts_of_many_different_days_are_all_held_back(tmp_path):
    store = burst_store(tmp_path)
    minutes = [(10 * days + n, n - days * 24 * 60) for days in range(2, 2 + MOST_SPANS + 3) for n in range(3)]
    write(tmp_path, "a.jsonl", [*minutes, (0, -90 * 24 * 60)])
    pull_feedback(store, day(), KEY)
    assert held_in(store) == sorted(f"f{number}" for number, _ in minutes)


def test_holding_back_again_changes_nothing(tmp_path):
    store = burst_store(tmp_path)
    write(tmp_path, "a.jsonl", [(n, n) for n in range(4)])
    pull_feedback(store, day(), KEY)
    before = store.version("feedback"), store.read("feedback")
    assert hold_back_bursts(store, day()) == 4
    assert (store.version("feedback"), store.read("feedback")) == before
    assert before[1].num_rows == 4


def test_other_feedback_can_be_acted_on_after_a_burst_was_held_back(tmp_path):
    store = burst_store(tmp_path)
    write_lines(tmp_path, [line(n) for n in range(8)])
    pull_logs(store, day(), KEY)
    write(tmp_path, "a.jsonl", [(n, n) for n in range(4)] + [(n, 60 * n) for n in range(5, 8)])
    text = (tmp_path / "feedback" / "a.jsonl").read_text().splitlines()
    corrected = [one.replace('"report"', '"correction"') if n % 2 else one for n, one in enumerate(text)]
    (tmp_path / "feedback" / "a.jsonl").write_text("\n".join(corrected) + "\n")
    assert pull_feedback(store, day(), KEY).held_back == 4
    frame, _ = reported_rows(store, day().end, 0)
    assert sorted(frame.rows.column("trace_id").to_pylist()) == ["t5", "t6", "t7"]


def test_prediction_of_an_earlier_day_is_no_orphans(tmp_path):
    store = make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback")}, logs={"look_back_hours": 0})
    write_lines(tmp_path, [line(1, when=DAY - timedelta(days=2))])
    pull_logs(store, day(-2), KEY)
    write(tmp_path, "a.jsonl", [(1, 1), (2, 2)])
    assert pull_feedback(store, day(), KEY).orphans == 1


def test_feedback_before_its_prediction_is_kept_counted_and_joined_later(tmp_path):
    store = make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback")})
    write(tmp_path, "a.jsonl", [(1, 1), (2, 2)])
    assert pull_feedback(store, day(), KEY).orphans == 2
    write_lines(tmp_path, [line(1)])
    pull_logs(store, day(), KEY)
    assert pull_feedback(store, day(), KEY).orphans == 1
    frame, reasons = reported_rows(store, day().end, 0)
    assert frame.rows.column("trace_id").to_pylist() == ["t1"]
    assert [each.reason for each in reasons.values()] == ["reported by a user: no comment"]
