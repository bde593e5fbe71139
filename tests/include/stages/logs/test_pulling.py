"""Logs come in completely: every line ends in the table or in quarantine, however often and in whatever order it is pulled."""

import json
import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.foundation.digests import table_digest
from include.foundation.errors import ConfigError
from include.foundation.lines.file_bytes import BYTE_ORDER_MARK
from include.foundation.lines.file_formats import BEGINNINGS
from include.foundation.lines.refusals import LONGEST_RAW
from include.foundation.lines.values import parse_object, pseudonym
from include.foundation.store.ledgers.taxonomies import classes_by_taxonomy
from include.foundation.store.person_keys import person_key
from include.foundation.store.tables import LoopStore
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import plan_pull, pull_logs
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.forks import Forked, Steps
from tests.include.stages.logs.log_builders import make_pull

NEW = {"predictions", "quarantine"}


def state(store):
    return {name: table_digest(store.read(name)) for name in NEW}


def reasons(store):
    return [row["reason_code"] for row in store.read("quarantine").sort_by("line").to_pylist()]


def test_pull_with_good_lines_stores_each_once_with_pseudonyms(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(number) for number in range(20)])
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.refused, report.duplicates, report.files) == (20, 0, 0, 1)
    row = store.read("predictions").to_pylist()[0]
    assert row["confidence"] == 0.6
    assert dict(zip(store.loop.task.classes, row["probabilities"], strict=True)) == {
        "earn": 0.6,
        "acq": 0.3,
        "grain": 0.1,
    }
    assert row["segment_desk"] == "eu"
    assert row["user_key"] not in {"u0", None}
    assert len(row["user_key"]) == 32


def test_pull_from_an_empty_folder_gives_zero_rows(tmp_path):
    assert pull_logs(make_store(tmp_path), day(), KEY).rows == 0


def test_pull_from_a_missing_folder_says_what_to_do(tmp_path):
    store = make_store(tmp_path)
    (tmp_path / "logs").rmdir()
    with pytest.raises(ConfigError, match=r"no such folder.*create it or mend logs\.uri"):
        pull_logs(store, day(), KEY)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        pytest.param('{"trace_id": "t9", "ts":', "not_json", id="truncated"),
        pytest.param(b"\xff\xfe\x00bad", "not_utf8", id="not-utf8"),
        pytest.param("[1, 2]", "not_object", id="array"),
        pytest.param('{"a": 1, "a": 2}', "not_json", id="key-twice"),
        pytest.param("[" * 5000, "not_json", id="nested-too-deep"),
        pytest.param(line(9, input={"text": "x" * (40 << 20)}), "line_too_long", id="40-MB"),
        pytest.param(line(9, probabilities={"earn": float("nan"), "acq": 1.0}), "bad_probability", id="nan"),
        pytest.param(line(9, probabilities={"earn": float("inf")}), "bad_probability", id="infinite"),
        pytest.param(line(9, probabilities={"earn": -0.5, "acq": 1.5}), "bad_probability", id="negative"),
        pytest.param(line(9, probabilities={"earn": 0.2, "acq": 0.2}), "bad_probability", id="sum"),
        pytest.param(line(9, probabilities="earn"), "bad_probability", id="not-a-mapping"),
        pytest.param(line(9, prediction="weather"), "unknown_class", id="unknown-class"),
        pytest.param(line(9, probabilities={"weather": 1.0}), "unknown_class", id="unknown-class-in-probabilities"),
        pytest.param(line(9, when=DAY + timedelta(days=40000)), "from_the_future", id="clock-skew"),
        pytest.param(line(9, ts="yesterday"), "bad_timestamp", id="not-a-time"),
        pytest.param(line(9, ts=1772000000), "bad_timestamp", id="epoch"),
        pytest.param(line(9, trace_id=None), "missing_field", id="no-trace-id"),
        pytest.param(line(9, input=None), "missing_field", id="no-input"),
        pytest.param(line(9, input={"text": 7}), "bad_input", id="text-is-a-number"),
        pytest.param(line(9, input={}), "bad_input", id="required-input-missing"),
        pytest.param(line(9, model_version=[1]), "wrong_type", id="version-is-a-list"),
    ],
)
def test_bad_line_goes_to_quarantine_without_its_person_and_the_rest_is_stored(tmp_path, bad, code):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1), bad, line(2)])
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.refused) == (2, 1)
    row = store.read("quarantine").to_pylist()[0]
    assert row["reason_code"] == code
    assert row["line"] == 2
    expected = bad if isinstance(bad, bytes) else (bad if isinstance(bad, str) else json.dumps(bad)).encode()
    person = pseudonym("u4", person_key(store, KEY, "user"))
    raw = expected.decode("utf-8", "backslashreplace").replace('"u4"', f'"{person}"')
    assert row["raw"] == (raw if len(raw) <= LONGEST_RAW else f"{raw[:LONGEST_RAW]}…")


def test_line_with_several_faults_names_them_all(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1, prediction="weather", probabilities={"earn": 2.0}, model_version=None)])
    pull_logs(store, day(), KEY)
    reason = store.read("quarantine").to_pylist()[0]["reason"]
    assert all(word in reason for word in ("model_version", "weather", "probabilities"))


def test_pulling_again_changes_neither_rows_nor_table_versions(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1), line(1), "broken", line(2), line(2, prediction="grain")])
    first = pull_logs(store, day(), KEY)
    before = (state(store), {name: store.version(name) for name in NEW})
    assert pull_logs(store, day(), KEY) == first
    assert (state(store), {name: store.version(name) for name in NEW}) == before


def test_repeated_trace_ids_are_resolved_by_the_written_rule(tmp_path):
    """Equal lines count as duplicates; of different ones the earliest is kept and the other is set aside."""
    store = make_store(tmp_path)
    later = line(1, when=DAY + timedelta(hours=5), prediction="grain")
    write_lines(tmp_path, [later, line(1), line(1)])
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.duplicates, report.refused) == (1, 1, 1)
    assert store.read("predictions").to_pylist()[0]["predicted"] == line(1)["prediction"]
    assert reasons(store) == ["repeated_trace_id"]


def test_trace_id_of_an_earlier_interval_is_not_replaced(tmp_path):
    store = make_store(tmp_path, logs={"look_back_hours": 0})
    write_lines(tmp_path, [line(1)])
    pull_logs(store, day(0), KEY)
    write_lines(tmp_path, [line(1, when=DAY + timedelta(days=3, hours=1))], "later.jsonl")
    assert pull_logs(store, day(3), KEY).rows == 0
    assert reasons(store) == ["repeated_trace_id"]


def test_late_row_lands_in_its_own_interval(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1)])
    pull_logs(store, day(0), KEY)
    write_lines(
        tmp_path,
        [line(2, when=DAY + timedelta(hours=23)), line(3, when=DAY + timedelta(days=1, hours=1))],
        "next.jsonl",
    )
    report = pull_logs(store, day(1), KEY)
    assert (report.rows, report.late) == (1, 1)
    assert {row["trace_id"]: row["day"] for row in store.read("predictions").to_pylist()} == {
        "t1": "2026-03-10", "t2": "2026-03-10", "t3": "2026-03-11",
    }  # fmt: skip


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+00:00",
        "0001-01-08T00:00:00+00:00",
        "1969-12-31T12:00:00+00:00",
        "1970-01-01T00:00:00+00:00",
    ],
)
def test_time_that_a_writer_forgot_to_set_lands_in_its_day(tmp_path, moment):
    """Go writes year 1 for no time, C the year 1970; those before 1970 are negative."""
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1, ts=moment), line(2), line(1, ts=moment), line(1, ts=moment, prediction="grain")])
    found = pull_logs(store, day(), KEY)
    assert (found.rows, found.late, found.duplicates, found.refused) == (1, 1, 1, 1)
    row = store.read("predictions", columns=["day", "ts"], filters=[("trace_id", "=", "t1")]).to_pylist()[0]
    assert (row["day"], row["ts"].isoformat()) == (moment[:10], moment)


def test_row_whose_file_has_gone_stays(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1)]).unlink  # noqa: B018 - the file stays for the first pull
    pull_logs(store, day(), KEY)
    (tmp_path / "logs" / "log.jsonl").unlink()
    write_lines(tmp_path, [line(2)], "other.jsonl")
    assert pull_logs(store, day(), KEY).rows == 2


@pytest.mark.parametrize(
    "order", [range(10), reversed(range(10)), [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]], ids=["forward", "back", "mixed"]
)
def test_backfill_of_ten_intervals_equals_ten_runs_in_any_order(tmp_path, order):
    lines = [line(n, when=DAY + timedelta(hours=5 * n)) for n in range(48)]
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    write_lines(tmp_path / "one", lines)
    write_lines(tmp_path / "many", lines)
    one, many = make_store(tmp_path / "one"), make_store(tmp_path / "many")
    from include.foundation.intervals import Interval

    pull_logs(one, Interval(day(0).start, day(9).end), KEY)
    for number in order:
        pull_logs(many, day(number), KEY)
    assert table_digest(one.read("predictions")) == table_digest(many.read("predictions"))
    assert one.read("predictions").num_rows == 48


def test_file_being_written_is_left_alone(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1)], ".log.jsonl")
    write_lines(tmp_path, [line(2)], "log.jsonl.tmp")
    assert pull_logs(store, day(), KEY).files == 0


@pytest.mark.parametrize("before", [DAY - timedelta(days=3), datetime(1980, 1, 1, tzinfo=UTC)])
def test_file_that_is_older_than_the_window_is_not_read_and_named(tmp_path, before):
    store = make_store(tmp_path)
    os.utime(write_lines(tmp_path, [line(1)], "old.jsonl"), (before.timestamp(),) * 2)
    assert pull_logs(store, day(), KEY).files == 0
    assert [file.name for file in plan_pull(make_pull(store)).overlooked] == ["old.jsonl"]


def test_old_file_that_was_read_in_its_time_is_not_named(tmp_path):
    store = make_store(tmp_path, logs={"look_back_hours": 0})
    for number in range(3):
        path = write_lines(tmp_path, [line(number, when=DAY + timedelta(days=number))], f"{number}.jsonl")
        os.utime(path, ((DAY + timedelta(days=number, hours=20)).timestamp(),) * 2)
        pull_logs(store, day(number), KEY)
    assert plan_pull(make_pull(store)).overlooked == []


def test_log_that_rotation_copies_and_empties_is_read_once(tmp_path):
    """As logrotate's copytruncate does, after which shippers send everything again (https://github.com/elastic/beats/issues/39731)."""
    store = make_store(tmp_path)
    path = write_lines(tmp_path, [line(1), line(2)], "app.jsonl")
    pull_logs(store, day(), KEY)
    write_lines(tmp_path, [line(1), line(2), line(3)], "app.1.jsonl")
    path.write_bytes(json.dumps(line(4)).encode() + b"\n")
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.refused, report.duplicates) == (4, 0, 2)
    assert pull_logs(store, day(), KEY) == report


def test_log_whose_rotation_changes_the_ending_is_told(tmp_path):
    store = make_store(tmp_path)
    for name in ("app.jsonl", "app.jsonl.1", ".app.jsonl.swp", "_SUCCESS"):
        write_lines(tmp_path, [line(1)], name)
    os.utime(write_lines(tmp_path, [line(2)], "app.jsonl.2"), (0, 0))
    (warning,) = plan_pull(make_pull(store)).warnings
    assert warning.startswith("1 files that were written lately are not read")
    assert "1. app.jsonl.1 does not end in .jsonl or .jsonl.gz or .jsonl.zst" in warning


@pytest.mark.parametrize("kind", ["logs", "feedback"])
def test_after_an_outage_the_window_begins_where_the_last_pull_ended(tmp_path, kind):
    """The look-back is a day, and nothing runs for four."""
    store = make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback")})
    (tmp_path / "feedback").mkdir()
    signal = {"trace_id": "t", "kind": "explicit", "signal": "report"}
    for number in range(8):
        moment = DAY + timedelta(days=number, hours=3)
        lines = [line(number, when=moment)]
        if kind == "feedback":
            lines = [{**signal, "feedback_id": f"f{number}", "ts": moment.isoformat()}]
        path = write_lines(tmp_path, lines, f"{number}.jsonl")
        path = path.rename(tmp_path / kind / path.name)
        os.utime(path, ((moment + timedelta(hours=1)).timestamp(),) * 2)
        if number in {0, 1, 6}:
            pull_logs(store, day(number), KEY)
            pull_feedback(store, day(number), KEY)
    table = "predictions" if kind == "logs" else "feedback"
    assert store.read(table).num_rows == 7


def test_interval_before_all_others_begins_with_its_look_back(tmp_path):
    store = make_store(tmp_path)
    for number in (0, 5):
        path = write_lines(tmp_path, [line(number, when=DAY + timedelta(days=number))], f"{number}.jsonl")
        os.utime(path, ((DAY + timedelta(days=number, hours=20)).timestamp(),) * 2)
    pull_logs(store, day(5), KEY)
    assert pull_logs(store, day(2), KEY).files == 0
    assert pull_logs(store, day(1), KEY).late == 1


class TestParquet:
    def make(self, tmp_path):
        return make_store(tmp_path, logs={"format": "parquet"})

    def test_rows_are_stored(self, tmp_path):
        store = self.make(tmp_path)
        pq.write_table(pa.Table.from_pylist([line(n) for n in range(5)]), tmp_path / "logs" / "a.parquet")
        assert pull_logs(store, day(), KEY).rows == 5

    def test_nested_columns_may_be_json_text(self, tmp_path):
        store = self.make(tmp_path)
        rows = [
            {**line(n), "input": json.dumps(line(n)["input"]), "probabilities": json.dumps(line(n)["probabilities"])}
            for n in (1, 2)
        ]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "logs" / "a.parquet")
        assert pull_logs(store, day(), KEY).rows == 2

    def test_file_that_is_not_parquet_is_quarantined_as_a_whole(self, tmp_path):
        store = self.make(tmp_path)
        (tmp_path / "logs" / "a.parquet").write_bytes(b"PAR1 no it is not")
        assert pull_logs(store, day(), KEY).refused == 1
        assert reasons(store) == ["not_parquet"]

    def test_missing_column_is_named(self, tmp_path):
        store = self.make(tmp_path)
        rows = [line(n, prediction=None) for n in (1, 2)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "logs" / "a.parquet")
        pull_logs(store, day(), KEY)
        row = store.read("quarantine").to_pylist()[0]
        assert row["reason_code"] == "missing_column"
        assert "prediction" in row["reason"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60).filter(lambda raw: b"\n" not in raw and b"\r" not in raw and raw.strip()),
            st.integers(0, 5).map(lambda number: json.dumps(line(number)).encode()),
            st.dictionaries(
                st.sampled_from(list(line(0))), st.none() | st.floats() | st.text(max_size=5), max_size=8
            ).map(lambda found: json.dumps(found).encode()),
        ),
        max_size=12,
    )
)
@example([b"\x1f\x8b\x08", b"\x00"])
@example([b"\x1f\x8b\x08", b"{}"])
def test_any_bytes_end_in_the_table_or_in_quarantine_and_the_counts_add_up(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("fuzz")
    store = make_store(folder)
    write_lines(folder, list(lines))
    report = pull_logs(store, day(), KEY)
    refused = store.read("quarantine").num_rows
    marked = bool(lines) and not lines[0].removeprefix(BYTE_ORDER_MARK).strip()  # a mark of the byte order is no line
    begins_otherwise = bool(lines) and lines[0].removeprefix(BYTE_ORDER_MARK).startswith(tuple(BEGINNINGS))
    is_other = begins_otherwise and all(parse_object(raw)[0] is None for raw in lines)  # refused as one
    assert report.rows + report.late + report.duplicates + refused == (1 if is_other else len(lines) - marked)


@pytest.mark.parametrize("doubtful", [False, True], ids=["scanned", "looked-at"])
@pytest.mark.parametrize(
    "before", [b"", b"\n", b"\n\n"], ids=["mark-before-a-line", "mark-alone", "mark-and-empty-line"]
)
def test_mark_of_the_byte_order_is_no_part_of_a_line(tmp_path, before, doubtful):
    store = make_store(tmp_path)
    changes: Any = {"segments": '{"desk": "eu"}'} if doubtful else {}
    lines = [line(1, **changes), line(2), line(3, **changes) | {"probabilities": {"earn": 2}}]
    path = write_lines(tmp_path, lines)
    path.write_bytes(BYTE_ORDER_MARK + before + path.read_bytes())
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.refused) == (2, 1)
    assert store.read("quarantine").column("trace_id").to_pylist() == ["t3"]


def test_two_pulls_of_one_interval_at_once_leave_the_rows_of_one(tmp_path):
    write_lines(tmp_path, [line(n) for n in range(50)] + ["broken"])
    store, failures = make_store(tmp_path), []

    def pull():
        try:
            pull_logs(make_store(tmp_path), day(), KEY)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=pull) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.read("predictions").num_rows == 50
    assert store.read("quarantine").num_rows == 1


def dying_pull(folder, limit):
    LoopStore._commit = Steps(limit).around(LoopStore._commit)
    pull_logs(make_store(folder), day(), KEY)


def test_pull_killed_before_or_after_any_commit_and_run_again_leaves_the_same(tmp_path):
    lines = [line(n) for n in range(10)] + ["broken", line(1, prediction="grain")]
    (tmp_path / "calm").mkdir()
    write_lines(tmp_path / "calm", lines)
    calm = make_store(tmp_path / "calm")
    pull_logs(calm, day(), KEY)
    for limit in (1, 2, 3, 4):
        folder = tmp_path / f"killed{limit}"
        folder.mkdir()
        write_lines(folder, lines)
        assert Forked(dying_pull, folder, limit).wait() == -signal.SIGKILL
        store = make_store(folder)
        pull_logs(store, day(), KEY)
        assert state(store) == state(calm)


def test_lines_in_former_names_land_as_they_spoke_with_probabilities_of_todays_classes(tmp_path):
    spoken = {"earn": 0.2, "grain": 0.5, "ship": 0.3}
    write_lines(
        tmp_path, [line(1, prediction="grain", probabilities=spoken), line(2, prediction="ship", probabilities=None)]
    )
    task = {"classes": ["earn", "acq", "cereals"], "renamed": {"grain": "cereals"}, "retired": ["ship"]}
    store = make_store(tmp_path, task=task)
    assert pull_logs(store, day(), KEY).refused == 0
    first, second = store.read("predictions").to_pylist()
    assert (first["predicted"], second["predicted"]) == ("grain", "ship")
    assert dict(zip(store.loop.task.classes, first["probabilities"], strict=True)) == {
        "acq": 0,
        "cereals": 0.5,
        "earn": 0.2,
    }
    assert (first["confidence"], second["confidence"]) == (0.5, None)
    assert classes_by_taxonomy(store)[first["taxonomy"]] == ["acq", "cereals", "earn"]
    assert second["taxonomy"] is None


def test_order_of_classes_in_the_loop_file_changes_nothing_that_was_read(tmp_path):
    write_lines(tmp_path, [line(n) for n in range(5)])
    store = make_store(tmp_path)
    pull_logs(store, day(), KEY)
    version = store.version("predictions")
    again = make_store(tmp_path, task={"classes": store.loop.task.classes[::-1]})
    assert pull_logs(again, day(), KEY).rows == 5
    assert again.version("predictions") == version
