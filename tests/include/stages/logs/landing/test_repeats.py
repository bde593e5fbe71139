"""One row a trace id by a rule that no order of arrival changes; the rule is written again here, in a few lines of Python."""

import json
import os
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.foundation.digests import table_digest
from include.foundation.intervals import Interval
from include.stages.logs.landing import landing
from include.stages.logs.landing.staging import Staging
from include.stages.logs.pulling import pull_logs
from include.stages.logs.quarantine import refuse
from tests.builders import CLASSES, DAY, KEY, day, line, make_store, write_lines

REACH = 2
EVERYTHING = Interval(DAY - timedelta(days=2), DAY + timedelta(days=20))
LOGS = {"repeat_days": REACH, "look_back_hours": 24 * 14}
HOURS = [0, 1, 24, 47, 48, 49, 72, 96, 97, 150]

drawn = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(HOURS), st.sampled_from(CLASSES)), min_size=1, max_size=9)


def made(item):
    number, hours, predicted = item
    return line(number, when=DAY + timedelta(hours=hours), prediction=predicted)


def kept_by_the_rule(items):
    """Return (trace id, ts) of what stays: lines that no other content has come before within the reach."""
    kept = set()
    for number in {item[0] for item in items}:
        moments = sorted({(hours, predicted) for n, hours, predicted in items if n == number})
        for place, (hours, _) in enumerate(moments):
            if place == 0 or hours - moments[place - 1][0] > 24 * REACH:
                kept.add((f"t{number}", DAY + timedelta(hours=hours)))
    return kept


def delivered(folder, batches):
    """Write and pull one batch of (file, item) after the other; a file that is named again is appended to."""
    folder.mkdir()
    store = make_store(folder, logs=LOGS)
    for number, batch in enumerate(batches):
        for name, item in batch:
            path = folder / "logs" / f"{name}.jsonl"
            with path.open("a") as opened:
                opened.write(json.dumps(made(item)) + "\n")
            os.utime(path, ((DAY + timedelta(days=19, minutes=number)).timestamp(),) * 2)
        pull_logs(store, EVERYTHING, KEY)
    return store


def state(store):
    """Return the table without the names of files, which of equal lines stays depends on where it lay; and the repeats."""
    repeats = store.read("quarantine", columns=["trace_id", "ts", "reason_code"]).to_pylist()
    rows = store.read("predictions").drop_columns(["source"])
    return table_digest(rows), {(row["trace_id"], row["ts"], row["reason_code"]) for row in repeats}


def quarantined(items):
    """Return (trace id, ts) of contents that do not stay."""
    contents = {(f"t{n}", DAY + timedelta(hours=hours), predicted) for n, hours, predicted in items}
    kept = kept_by_the_rule(items)
    twice = {key for key in kept if sum(content[:2] == key for content in contents) > 1}
    return {content[:2] for content in contents} - (kept - twice)


@settings(max_examples=14, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn, st.data())
@example([(0, 0, "earn"), (0, 0, "acq"), (0, 48, "earn"), (0, 96, "earn"), (0, 150, "acq")], None)
def test_any_order_in_any_files_and_pulls_gives_the_rows_of_the_rule(tmp_path_factory, items, data):
    folder = tmp_path_factory.mktemp("order")
    once = delivered(folder / "once", [[("a", item) for item in items]])
    rows = once.read("predictions").to_pylist()
    assert {(row["trace_id"], row["ts"]) for row in rows} == kept_by_the_rule(items)
    assert len(rows) == len(kept_by_the_rule(items))
    assert {key[:2] for key in state(once)[1]} == quarantined(items)
    shuffled = items[::-1] if data is None else data.draw(st.permutations(items))
    batches: list[list[tuple[str, tuple[int, int, str]]]] = [[]]
    for item in shuffled:
        if batches[-1] and (data is None or data.draw(st.booleans())):
            batches.append([])
        batches[-1].append(("a" if data is None else data.draw(st.sampled_from("abc")), item))
    assert state(delivered(folder / "many", batches)) == state(once)


def test_every_line_is_counted_once(tmp_path):
    store = make_store(tmp_path, logs=LOGS)
    items = [(0, 0, "earn"), (0, 0, "earn"), (0, 1, "acq"), (1, 24, "earn"), (2, 150, "acq"), (2, 150, "acq")]
    write_lines(tmp_path, [*map(made, items), "broken", ""])
    report = pull_logs(store, day(1), KEY)
    assert (report.rows, report.late, report.early) == (1, 1, 1)
    assert (report.duplicates, report.refused) == (2, 2)
    row = store.read("files_read").to_pylist()[0]
    parts = ("rows", "late", "early", "duplicates", "refused")
    assert row["lines"] == sum(row[name] for name in parts) == 7


@pytest.mark.parametrize(("apart", "rows"), [(timedelta(days=REACH), 1), (timedelta(days=REACH, microseconds=1), 2)])
@pytest.mark.parametrize("split", [False, True], ids=["one-pull", "two-pulls"])
def test_reach_ends_at_the_microsecond(tmp_path, apart, rows, split):
    store = make_store(tmp_path, logs=LOGS)
    both = [line(1, when=DAY + timedelta(hours=23)), line(1, when=DAY + timedelta(hours=23) + apart)]
    write_lines(tmp_path, both[: 1 if split else 2])
    pull_logs(store, EVERYTHING, KEY)
    if split:
        write_lines(tmp_path, both[1:], "later.jsonl")
        pull_logs(store, EVERYTHING, KEY)
    assert store.read("predictions").num_rows == rows


def test_earlier_line_that_comes_later_ousts_the_stored_one_which_is_kept_in_quarantine(tmp_path):
    store = make_store(tmp_path, logs=LOGS)
    write_lines(tmp_path, [line(1, when=DAY + timedelta(hours=30), prediction="grain")])
    pull_logs(store, EVERYTHING, KEY)
    write_lines(tmp_path, [line(1, when=DAY + timedelta(hours=3), prediction="earn")], "late.jsonl")
    pull_logs(store, EVERYTHING, KEY)
    assert store.read("predictions").column("predicted").to_pylist() == ["earn"]
    row = store.read("quarantine").to_pylist()[0]
    assert (row["reason_code"], row["source"], row["trace_id"]) == ("repeated_trace_id", "log.jsonl", "t1")
    assert datetime.fromisoformat(row["ts"].isoformat()) == DAY + timedelta(hours=30)
    assert json.loads(row["raw"])["predicted"] == "grain"


def test_duckdb_gives_memory_back_while_stored_rows_are_refused_and_others_written(tmp_path, monkeypatch):
    store, limits = make_store(tmp_path, logs=LOGS), []
    write_lines(tmp_path, [line(number, when=DAY + timedelta(hours=30)) for number in range(3)])
    pull_logs(store, EVERYTHING, KEY)
    write_lines(tmp_path, [line(number) for number in range(3)], "late.jsonl")
    given_back = Staging.memory_given_back
    monkeypatch.setattr(landing, "MANY", 3)

    @contextmanager
    def counted(staging):
        with given_back(staging):
            limits.append("less")
            yield
        limits.append("more")

    monkeypatch.setattr(Staging, "memory_given_back", counted)
    monkeypatch.setattr(landing, "refuse", lambda pull, lines: limits.append(str(refuse(pull, lines))))
    pull_logs(store, EVERYTHING, KEY)
    assert limits[-5:] == ["less", "3", "more", "less", "more"]  # the last two while the rows are written


@pytest.mark.parametrize("trace_id", ["it's", 'a "b"', "naïve 類", "a;--", "\\", "a\nb", " "])
def test_trace_ids_with_any_signs_are_ousted_as_well(tmp_path, trace_id):
    store = make_store(tmp_path, logs=LOGS)
    write_lines(tmp_path, [line(1, trace_id=trace_id, when=DAY + timedelta(hours=30))])
    pull_logs(store, EVERYTHING, KEY)
    write_lines(tmp_path, [line(1, trace_id=trace_id)], "late.jsonl")
    pull_logs(store, EVERYTHING, KEY)
    rows = store.read("predictions").to_pylist()
    assert [(row["trace_id"], row["ts"]) for row in rows] == [(trace_id, DAY + timedelta(hours=3))]
    assert store.read("quarantine").num_rows == 1
