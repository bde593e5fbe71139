"""Files of any bytes and names, packed, cut and damaged anywhere: all is accounted for, and a good file lands."""

import gzip
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from include.foundation.digests import table_digest
from include.foundation.lines.file_bytes import BYTE_ORDER_MARK
from include.foundation.lines.file_formats import contradiction
from include.stages.logs.landing import staging
from include.stages.logs.pulling import plan_pull, planned, pull_partition, report, write_plan
from include.stages.logs.slices import unread_slices
from include.stages.logs.slices.file_slices import cut_up
from tests.builders import day, line, make_store
from tests.include.stages.logs.log_builders import make_pull

COLUMNS = ["trace_id", "ts", "model_version", "input.text", "prediction"]
PARTS = ("rows", "late", "early", "duplicates", "refused")
GOOD = range(100, 103)

names = st.binary(min_size=1, max_size=8).filter(
    lambda name: not set(name) & set(b"/\0") and name[:1] not in {b".", b"_"}
)
texts = st.binary(max_size=30).filter(lambda raw: b"\n" not in raw)
items = st.lists(st.one_of(st.integers(0, 9), texts), max_size=8)


def csv_cells(number: int) -> str:
    flat = line(number) | {"input.text": line(number)["input"]["text"]}
    return ",".join(flat[name] for name in COLUMNS)


def content(log_format: str, drawn: list[int | bytes]) -> bytes:
    """Return the bytes of a file with lines by number, and whatever else was drawn between them."""
    numbers = [item for item in drawn if isinstance(item, int)]
    if log_format == "parquet":
        rows = [line(number, probabilities=None, segments=None) for number in numbers] or [line(0, probabilities=None)]
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return sink.getvalue()
    if log_format == "csv":
        lines = [",".join(COLUMNS).encode()] + [
            csv_cells(item).encode() if isinstance(item, int) else item for item in drawn
        ]
    else:
        lines = [json.dumps(line(item)).encode() if isinstance(item, int) else item for item in drawn]
    return b"".join(raw + b"\n" for raw in lines)


def packed(raw: bytes, ending: str) -> bytes:
    if ending == ".gz":
        return gzip.compress(raw)
    return pa.compress(raw, codec="zstd", asbytes=True) if ending == ".zst" else raw


@st.composite
def files(draw: st.DrawFn, log_format: str) -> tuple[bytes, bytes]:
    """Return the name and the bytes of a file."""
    ending = "" if log_format == "parquet" else draw(st.sampled_from(["", "", ".gz", ".zst"]))
    raw = packed(content(log_format, draw(items)), ending)
    if draw(st.booleans()):
        raw = raw[: draw(st.integers(0, len(raw)))]
    for place in draw(st.lists(st.integers(0, max(len(raw) - 1, 0)), max_size=3)) if raw else ():
        raw = raw[:place] + bytes([draw(st.integers(0, 255))]) + raw[place + 1 :]
    return draw(names) + f".{log_format}{ending}".encode(), raw


def pulled(folder: Path, log_format: str, drawn: list[tuple[bytes, bytes]]):
    store = make_store(folder, logs={"format": log_format, "max_refused_share": 1.0})
    for name, raw in [*drawn, (f"good.{log_format}".encode(), content(log_format, list(GOOD)))]:
        (folder / "logs" / os.fsdecode(name)).write_bytes(raw)
    pull = make_pull(store)
    for key in write_plan(pull, plan_pull(pull).partitions):
        pull_partition(pull, planned(store, key))
    return store, pull


@pytest.mark.parametrize("log_format", ["jsonl", "csv", "parquet"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_everything_in_any_files_is_accounted_for_and_the_good_one_lands(tmp_path_factory, log_format, data):
    folder = tmp_path_factory.mktemp("fuzz")
    store, pull = pulled(folder, log_format, data.draw(st.lists(files(log_format), max_size=4)))
    rows, refused, read = (store.read(name) for name in ("predictions", "quarantine", "files_read"))
    for entry in read.to_pylist():
        assert entry["lines"] == sum(entry[part] for part in PARTS), entry
    total = {part: sum(read.column(part).to_pylist()) for part in PARTS}
    assert rows.num_rows == total["rows"] + total["late"] + total["early"]
    assert refused.num_rows <= total["refused"]  # the same bytes at one place are one refusal
    assert {f"t{number}" for number in GOOD} <= set(rows.column("trace_id").to_pylist())
    before = table_digest(rows), table_digest(refused), report(store, day())
    for slices in plan_pull(pull).partitions:
        pull_partition(pull, slices)
    assert before == (
        table_digest(store.read("predictions")),
        table_digest(store.read("quarantine")),
        report(store, day()),
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=items, ending=st.sampled_from(["", ".gz", ".zst"]), size=st.integers(60, 900), chunk=st.integers(1, 4))
def test_lines_that_can_be_counted_are_the_lines_that_are_counted(tmp_path_factory, drawn, ending, size, chunk):
    """Whatever the slices are, and however many lines Python looks at at a time."""
    folder = tmp_path_factory.mktemp("counted")
    raw = content("jsonl", drawn)
    lines = [one.removeprefix(BYTE_ORDER_MARK) for one in raw.split(b"\n")]
    assume(not any(map(contradiction, lines)))  # what begins so is refused as one
    lines = [one for one in raw.removeprefix(BYTE_ORDER_MARK).split(b"\n") if one.strip()]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unread_slices, "cut_up", lambda file, gaps, _: cut_up(file, gaps, size))
        patched.setattr(staging, "CHUNK", chunk)
        store, _ = pulled(folder, "jsonl", [(f"a.jsonl{ending}".encode(), packed(raw, ending))])
    entries = store.read("files_read", filters=[("name", "!=", "good.jsonl")])
    assert sum(entries.column("lines").to_pylist()) == len(lines)
    wanted = {f"t{item}" for item in drawn if isinstance(item, int)} | {f"t{number}" for number in GOOD}
    assert set(store.read("predictions").column("trace_id").to_pylist()) == wanted
