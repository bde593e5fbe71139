"""What a line says of the circumstances of its prediction: kept, refused with the reason, or something else of the user's."""

import json
from typing import Any

import pyarrow as pa
import pytest

from include.foundation.store import schemas
from include.foundation.store.table_schema import table
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store, write_lines

COLUMNS = ("context", "error", "metadata", "impact", "source_id")
TAKEN: list[tuple[str, Any, Any]] = [
    ("context", {"page": 2, "tags": ["a", None]}, '{"page":2,"tags":["a",null]}'),
    ("context", '{"page": 2}', '{"page":2}'),
    ("context", {}, "{}"),
    ("context", {"load": float("nan")}, '{"load":null}'),
    ("context", {"load": float("inf"), "deep": [[float("-inf")]]}, '{"load":null,"deep":[[null]]}'),
    ("context", " ", None),
    ("metadata", {"team": "é"}, '{"team":"é"}'),
    ("metadata", {"long": "x" * 60_000}, '{"long":"' + "x" * 60_000 + '"}'),
    ("error", "timeout, a rule answered", "timeout, a rule answered"),
    ("error", {"code": 504}, '{"code":504}'),
    ("error", '{"code": 504}', '{"code":504}'),
    *(("error", nothing, None) for nothing in (False, "", " ", {}, "null", "false")),
    ("impact", 0, 0.0),
    ("impact", "930", 930.0),
    ("impact", 1e300, 1e300),
    ("source_id", 7, "7"),
    ("source_id", "shop.example", "shop.example"),
    ("source_id", "  ", None),
]
REFUSED: list[tuple[str, Any, str]] = [
    ("context", "page 2", "context: got 'page 2', expected an object"),
    ("context", [1], "context: got [1], expected an object"),
    ("metadata", 5, "metadata: got 5, expected an object"),
    ("metadata", {"long": "x" * 70_000}, "metadata: got 70,011 characters, expected at most 65,536"),
    ("context", '{"half": "\\ud800"}', "context: an escape is half of a surrogate pair"),
    ("error", 500, "error: got 500, expected a text or an object"),
    ("error", ["timeout"], "error: got ['timeout'], expected a text or an object"),
    ("error", "x" * 70_000, "error: got 70,000 characters"),
    ("impact", -1, "impact: got -1, expected a finite number from 0 on"),
    ("impact", "high", "impact: got 'high'"),
    ("impact", float("inf"), "impact: got inf"),
    ("source_id", {"a": 1}, "source_id: got {'a': 1}, expected a text or a number"),
]


def pulled(folder, lines, **sections):
    store = make_store(folder, **sections)
    write_lines(folder, lines)
    pull_logs(store, day(), KEY)
    return store


@pytest.mark.parametrize("first", [{}, {"context": {"a": 1}, "impact": 1, "source_id": "s"}], ids=["bare", "whole"])
def test_circumstances_are_kept(tmp_path, first):
    lines = [line(0) | first, *(line(n) | {name: value} for n, (name, value, _) in enumerate(TAKEN, 1))]
    rows = {row["trace_id"]: row for row in pulled(tmp_path, lines).read("predictions").to_pylist()}
    found = [(name, rows[f"t{n}"][name]) for n, (name, _, _) in enumerate(TAKEN, 1)]
    assert found == [(name, kept) for name, _, kept in TAKEN]
    assert [rows["t1"][name] for name in COLUMNS[1:]] == [None] * 4


def test_circumstances_that_are_none_are_refused_with_the_reason(tmp_path):
    lines = [line(0), *(line(n) | {name: value} for n, (name, value, _) in enumerate(REFUSED, 1))]
    store = pulled(tmp_path, lines)
    rows = {row["line"]: row["reason"] for row in store.read("quarantine").to_pylist()}
    assert store.read("predictions").num_rows == 1
    assert [n for n, (_, _, reason) in enumerate(REFUSED, 2) if not rows[n].startswith(reason)] == []


def test_context_that_is_nested_deeply_is_kept_to_its_hundredth_level(tmp_path):
    text = json.dumps(line(0, context={"deep": "HERE"})).replace('"HERE"', '{"a":' * 150 + "1" + "}" * 150)
    (row,) = pulled(tmp_path, [text]).read("predictions").to_pylist()
    assert "nested too deeply" in row["context"]


def test_what_the_user_calls_so_and_holds_other_fields_is_not_the_loops(tmp_path):
    columns = {"trace_id": "metadata.id", "input.text": "context", "segments.desk": "source_id"}
    lines = [
        line(n, trace_id=None, input=None, segments=None, source_id="shop") | {"metadata": {"id": n}, "context": "text"}
        for n in range(2)
    ]
    rows = pulled(tmp_path, lines, logs={"columns": columns}).read("predictions").to_pylist()
    assert [(row["trace_id"], row["metadata"], row["context"]) for row in rows] == [
        ("0", None, None),
        ("1", None, None),
    ]
    assert [(row["input_text"], row["segment_desk"], row["source_id"]) for row in rows] == [
        ("text", "shop", "shop")
    ] * 2


def test_store_of_an_earlier_version_reads_on(tmp_path, monkeypatch):
    """Its table lacks the columns until a line is pulled."""
    whole = schemas._predictions

    def earlier(*own):
        kept = whole(*own)
        columns = [field for field in kept.columns if field.name not in COLUMNS]
        return table("predictions", *columns, key=kept.key, partition_by=kept.partition_by)

    monkeypatch.setattr(schemas, "_predictions", earlier)
    old = make_store(tmp_path)
    rows = [{"trace_id": "old", "ts": day().start, "day": "2026-03-10", "model_version": "1", "predicted": "earn"}]
    old.append_new("predictions", pa.Table.from_pylist(rows, schema=old.schema("predictions")))
    monkeypatch.undo()
    store = make_store(tmp_path)
    (row,) = store.read("predictions").to_pylist()
    assert [row[name] for name in COLUMNS] == [None] * 5
    write_lines(tmp_path, [line(1, impact=3)])
    pull_logs(store, day(), KEY)
    assert {row["trace_id"]: row["impact"] for row in store.read("predictions").to_pylist()} == {"old": None, "t1": 3.0}
