"""Pulls at once, on a disk that is full, of files that change meanwhile, into tables of a newer version."""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.foundation.digests import table_digest
from include.foundation.errors import StoreError
from include.foundation.store.tables import LoopStore
from include.stages.logs import pulling
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.landing import staging
from include.stages.logs.pulling import PullReport, plan_pull, pull_logs, report, write_plan
from include.stages.logs.scans.file_scan import Scan
from include.stages.logs.slices import unread_slices as files_read
from include.stages.logs.slices.file_slices import Slice, cut_up, partitions
from tests.builders import DAY, KEY, day, line, make_loop, make_store, write_lines
from tests.conftest import ROOT
from tests.include.stages.logs.log_builders import make_pull

NEXT = DAY + timedelta(days=1, hours=2)


def calm_store(folder):
    """Return a second store of the same logs, for a pull that nothing disturbs."""
    return LoopStore(make_loop(folder), str(folder / "calm"))


def state(store):
    tables = {name: store.read(name) for name in ("predictions", "quarantine", "files_read")}
    return {name: (rows.num_rows, table_digest(rows)) for name, rows in tables.items()}


def traces(store):
    return store.read("predictions").column("trace_id").to_pylist()


class TestTwoProcesses:
    """The first commit of each waits until the other is about to make its own, so that they collide."""

    PULL = """
import json, sys, time
from pathlib import Path
from include.stages.logs.landing import landing
from include.stages.logs.pulling import planned, pull_logs, pull_partition
from tests.builders import KEY, day, make_store
from tests.include.stages.logs.log_builders import make_pull

folder, me, other, keys = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
real, store = landing.add_files, make_store(folder)

def meeting(*arguments):
    landing.add_files = real
    (folder / me).touch()
    until = time.monotonic() + 30
    while not (folder / other).exists() and time.monotonic() < until:
        time.sleep(0.002)
    done = real(*arguments)
    (folder / f"{me} {'was first' if done else 'was late'}").touch()
    return done

landing.add_files = meeting
for key in keys:
    pull_partition(make_pull(store), planned(store, key))
if not keys:
    pull_logs(store, day(), KEY)
"""

    def lines(self):
        return [*(line(n) for n in range(20)), "broken", line(3), *(line(n, when=NEXT) for n in range(20, 30))]

    def pull_twice(self, folder, *keys):
        names = ["one", "two"]
        started = [
            subprocess.Popen(
                [sys.executable, "-c", self.PULL, str(folder), me, other, json.dumps(mine)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for me, other, mine in zip(names, names[::-1], keys, strict=True)
        ]
        assert [process.wait(timeout=60) for process in started] == [0, 0]
        assert sorted(path.name[4:] for path in folder.glob("* was *")) == ["was first", "was late"]

    @pytest.mark.parametrize("begun", [False, True], ids=["first-pull", "tables-are-there"])
    def test_pulls_of_one_interval_at_once_leave_what_one_leaves(self, tmp_path, begun):
        calm, store = calm_store(tmp_path), make_store(tmp_path)
        if begun:
            write_lines(tmp_path, [line(90)], "before.jsonl")
            pull_logs(calm, day(), KEY)
            pull_logs(store, day(), KEY)
        write_lines(tmp_path, self.lines())
        expected = pull_logs(calm, day(), KEY)
        self.pull_twice(tmp_path, [], [])
        assert state(store) == state(calm)
        assert report(store, day()) == expected == PullReport(20 + begun, 0, 1, 1, 1 + begun, 10)

    def test_partitions_of_one_plan_at_once_leave_what_they_leave_one_after_the_other(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pulling, "partitions", lambda parts, _: partitions(parts, 1))
        for number in range(4):
            write_lines(tmp_path, [*self.lines()[number::4], line(4)], f"{number}.jsonl")
        calm, store = calm_store(tmp_path), make_store(tmp_path)
        expected = pull_logs(calm, day(), KEY)
        keys = write_plan(make_pull(store), plan_pull(make_pull(store)).partitions)
        assert len(keys) == 4
        self.pull_twice(tmp_path, keys[::2], keys[1::2])
        assert state(store)["quarantine"] == state(calm)["quarantine"]
        assert sorted(traces(store)) == sorted(traces(calm))
        assert report(store, day()) == expected == PullReport(20, 0, 1, 5, 4, 10)


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of so many bytes, and what makes it large."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=512m", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
class TestFullDisk:
    PAGE = 4096

    def lines(self):
        """Return lines that need more room in the table of rows than in the ledger: no text of them is like another."""
        texts = (random.Random(n).randbytes(500).hex() for n in range(50))
        found = [line(n, input={"text": text}, when=NEXT if n >= 40 else DAY) for n, text in enumerate(texts)]
        return [*found, "broken", found[3]]

    def test_disk_of_the_store_that_is_full_at_any_write_leaves_no_half_of_it(self, tmp_path):
        write_lines(tmp_path, self.lines())
        calm = calm_store(tmp_path)
        expected = pull_logs(calm, day(), KEY)
        failed = []
        for pages in range(1, 40):
            store = make_store(tmp_path)
            with small_disk(tmp_path / "store", pages * self.PAGE) as enlarge:
                try:
                    assert pull_logs(store, day(), KEY) == expected
                    break
                except StoreError as error:
                    failed.append(str(error))
                there = state(store)
                assert there["predictions"][0] in {0, 50}
                assert there["files_read"][0] == 0 or there == state(calm)
                enlarge()
                assert pull_logs(store, day(), KEY) == expected
                assert state(store) == state(calm)
        assert {name for name in ("quarantine", "predictions", "files_read") if any(name in text for text in failed)} == {
            "quarantine", "predictions", "files_read",
        }  # fmt: skip
        assert all("No space left on device" in text and "make room there and run" in text for text in failed)

    @pytest.mark.parametrize(
        "known",
        [
            pytest.param(True, id="small-from-the-start"),
            pytest.param(False, id="filled-by-others"),
        ],
    )
    def test_disk_that_duckdb_spills_to_and_that_is_full_is_an_error_and_the_next_pull_is_whole(
        self, tmp_path, monkeypatch, known
    ):
        real, rows = staging.connected, 60_000  # type: ignore[attr-defined]

        def little_memory(memory_mb, folder):
            connection = real(memory_mb, folder)
            connection.execute("SET memory_limit = '64MiB'")
            if not known:
                connection.execute("SET max_temp_directory_size = '1TiB'")
            return connection

        monkeypatch.setattr(staging, "connected", little_memory)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
        text = random.Random(7).randbytes(600).hex()
        store = make_store(tmp_path)
        whole = json.dumps(line(0, trace_id="#", input={"text": "@"}, probabilities=None, user_id=None))
        path = write_lines(tmp_path, [whole.replace("#", str(n)).replace("@", text[n % 400 :]) for n in range(rows)])
        with small_disk(tmp_path / "scratch", 1 << 20) as enlarge:
            with pytest.raises(StoreError, match=r"log\.jsonl"):
                pull_logs(store, day(), KEY)
            assert list((tmp_path / "scratch").glob("*/work-*")) == []
            assert [found[0] for found in state(store).values()] == [0, 0, 0]
            enlarge()
            assert pull_logs(store, day(), KEY) == PullReport(rows, 0, 0, 0, 1)
        path.unlink()


GOOD, ADDED = [line(n) for n in range(8)], [line(8), line(9, when=NEXT)]
CHANGES: dict[str, Any] = {
    "appended": [*GOOD, "broken", *ADDED],
    "truncated": GOOD[:3],
    "rewritten": [line(50), *GOOD[4:], *ADDED],
    "rewritten-as-long": [line(n, segments={"desk": ["us", "eu"][n % 2]}) for n in range(8)],
    "rewritten-longer": [*(line(n, segments={"desk": ["us", "eu"][n % 2]}) for n in range(8)), *ADDED],
    "deleted": None,
}
CUTS = {"whole": 1 << 20, "sliced": 700}


def change(folder, kind):
    """Change the file as a moment later than it was written."""
    path = folder / "logs" / "log.jsonl"
    if CHANGES[kind] is None:
        path.unlink(missing_ok=True)
    elif kind == "appended":
        added = CHANGES[kind][len(GOOD) :]
        with path.open("ab") as opened:
            opened.writelines((item if isinstance(item, str) else json.dumps(item)).encode() + b"\n" for item in added)
    else:
        write_lines(folder, CHANGES[kind])
    if path.exists():
        moment = (DAY + timedelta(days=2, minutes=1)).timestamp()
        os.utime(path, (moment, moment))


MOMENTS = {
    "listed": (pulling, "pull_partition"),
    "being-read": (Scan, "query"),
    "read": (pulling, "land"),
    "landed": (pulling, "note_read"),
}


class TestFileThatChanges:
    """Once between two steps of a pull: whatever that pull says, the next ones end with what the file has then."""

    def before(self, monkeypatch, owner, name, act):
        """Act once, before the first call of a function."""
        real = getattr(owner, name)

        def called(*arguments, **named):
            monkeypatch.setattr(owner, name, real)
            act()
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, called)

    @pytest.mark.parametrize(
        ("moment", "cuts"), [*((moment, "whole") for moment in MOMENTS), ("being-read", "sliced"), ("read", "sliced")]
    )
    @pytest.mark.parametrize("kind", CHANGES)
    def test_nothing_is_lost_or_doubled(self, tmp_path, monkeypatch, kind, moment, cuts):
        monkeypatch.setattr(files_read, "cut_up", lambda file, gaps, _: cut_up(file, gaps, CUTS[cuts]))
        store = make_store(tmp_path)
        path = write_lines(tmp_path, GOOD)
        os.utime(path, ((DAY + timedelta(days=2)).timestamp(),) * 2)
        self.before(monkeypatch, *MOMENTS[moment], lambda: change(tmp_path, kind))
        with contextlib.suppress(StoreError):
            pull_logs(store, day(), KEY)
        found = pull_logs(store, day(), KEY)
        before = state(store)
        assert pull_logs(store, day(), KEY) == found
        assert state(store) == before
        final = [item for item in CHANGES[kind] or [] if isinstance(item, dict)]
        there = {row["trace_id"]: row["segment_desk"] for row in store.read("predictions").to_pylist()}
        assert len(there) == store.read("predictions").num_rows
        assert {item["trace_id"]: item["segments"]["desk"] for item in final}.items() <= there.items()
        assert there.keys() <= {item["trace_id"] for item in [*GOOD, *final]}
        lines = store.read("quarantine", filters=[("reason_code", "!=", "gone")])
        assert lines.column("raw").to_pylist() == ["broken"] * (kind == "appended")
        assert kind == "deleted" or lines.num_rows == store.read("quarantine").num_rows


UNHEARD = ["unheardOf"]
PROTOCOLS = {
    "reader": {"minReaderVersion": 99, "minWriterVersion": 99},
    "feature": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": UNHEARD, "writerFeatures": UNHEARD},
    "writer": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": UNHEARD},
}


class TestTableOfANewerVersion:
    @pytest.fixture
    def store(self, tmp_path):
        """A store after a pull, with a line to refuse and one to keep that were not read yet, and feedback."""
        told = {"feedback_id": "f", "trace_id": "t", "ts": DAY.isoformat(), "kind": "explicit", "signal": "correction"}
        store = make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback")})
        (tmp_path / "feedback").mkdir()
        for number in range(2):
            write_lines(tmp_path, [line(number), "broken"], f"{number}.jsonl")
            (tmp_path / "feedback" / f"{number}.jsonl").write_text(
                json.dumps(told | {"feedback_id": f"f{number}"}) + "\n"
            )
            if number == 0:
                pull_logs(store, day(), KEY)
                pull_feedback(store, day(), KEY)
        return store

    def upgrade(self, store, name, kind):
        log = Path(store.uri, name, "_delta_log")
        commit = [{"protocol": PROTOCOLS[kind]}, {"commitInfo": {"timestamp": 1}}]
        (log / f"{len(list(log.glob('*.json'))):020}.json").write_text("\n".join(map(json.dumps, commit)))

    def files(self, folder):
        return sorted(str(path) for path in Path(folder).rglob("*"))

    @pytest.mark.parametrize("kind", ["reader", "feature"])
    @pytest.mark.parametrize(
        ("pull", "name"),
        [(pull_logs, name) for name in ("predictions", "quarantine", "files_read")]
        + [(pull_feedback, name) for name in ("feedback", "quarantine", "files_read")],
    )
    def test_that_cannot_be_read_ends_a_pull_before_it_reads_or_writes(self, store, monkeypatch, pull, name, kind):
        self.upgrade(store, name, kind)
        monkeypatch.setattr(Slice, "opened", None)  # no file is opened
        before = self.files(store.uri)
        with pytest.raises(StoreError, match=rf"{store.uri}/{name}: cannot read .*a newer version.*update this one"):
            pull(store, day(), KEY)
        assert self.files(store.uri) == before

    @pytest.mark.parametrize(
        ("pull", "name"), [(pull_logs, "predictions"), (pull_logs, "files_read"), (pull_feedback, "feedback")]
    )
    def test_that_cannot_be_written_ends_a_pull_at_its_first_attempt_and_leaves_no_file(self, store, pull, name):
        self.upgrade(store, name, "writer")
        before = self.files(f"{store.uri}/{name}")
        with pytest.raises(StoreError, match=rf"{store.uri}/{name}: could not commit.*newer version.*update this one"):
            pull(store, day(), KEY)
        assert [path for path in self.files(f"{store.uri}/{name}") if path not in before and "/part-" not in path] == []

    @pytest.mark.parametrize(
        ("field", "told"),
        [
            (pa.field("confidence", pa.string()), r"confidence: got .*string.*, expected .*double"),
            (pa.field("shade", pa.string(), nullable=False), "shade: unknown, and needs a value in every row"),
        ],
        ids=["other-type", "column-that-must-not-be-null"],
    )
    def test_with_columns_that_rows_do_not_fit_ends_a_pull_before_it_reads_or_writes(
        self, tmp_path, monkeypatch, field, told
    ):
        store, row = make_store(tmp_path), {"trace_id": "t9", "ts": DAY, "day": "2026-03-10", field.name: "1"}
        columns = [field if own.name == field.name else own for own in store.schema("predictions")]
        schema = pa.schema(columns if field in columns else [*columns, field])
        rows = pa.Table.from_pylist([row | {"model_version": "1", "predicted": "earn"}], schema=schema)
        write_deltalake(f"{store.uri}/predictions", rows, partition_by=["day"])
        write_lines(tmp_path, [line(1), "broken"])
        monkeypatch.setattr(Slice, "opened", None)
        before = self.files(store.uri)
        with pytest.raises(StoreError, match=told):
            pull_logs(store, day(), KEY)
        assert self.files(store.uri) == before

    def test_with_a_column_more_is_read_and_written_as_ever(self, tmp_path):
        store = make_store(tmp_path)
        schema = store.schema("predictions").append(pa.field("shade", pa.string()))
        row = {
            "trace_id": "t9",
            "ts": DAY,
            "day": "2026-03-10",
            "model_version": "1",
            "predicted": "earn",
            "shade": "x",
        }
        write_deltalake(f"{store.uri}/predictions", pa.Table.from_pylist([row], schema=schema), partition_by=["day"])
        write_lines(tmp_path, [line(1)])
        assert pull_logs(store, day(), KEY).rows == 2
        assert traces(store) == ["t1", "t9"]
        shades = store.open_table("predictions").to_pyarrow_table(columns=["shade"]).column("shade").to_pylist()
        assert sorted(shades, key=str) == [None, "x"]
