"""Other tools read the tables as they are, by the very snippets in the documentation."""

import re
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from include.foundation.store.rows import rows_of
from include.stages.logs.pulling import pull_logs
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "read-the-tables.md"
SNIPPETS = dict(re.findall(r"```python (\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL))
RUN = ("duckdb", "polars", "pandas")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store whose predictions were appended to, replaced in part and given a column later."""
    folder = tmp_path_factory.mktemp("interop")
    for segments in (["desk"], ["desk", "tier"]):
        store = make_store(folder, segments=segments)
        number = len(segments)
        lines = [
            line(
                n,
                when=DAY + timedelta(days=number - 1, hours=n),
                embedding=[0.5, n],
                segments={"desk": "eu", "tier": "ü"},
            )
            for n in range(10 * number, 10 * number + 6)
        ]
        write_lines(
            folder,
            [*lines, line(10 * number + 9, when=DAY + timedelta(days=number - 1), probabilities=None, user_id=None)],
            name=f"{number}.jsonl",
        )
        pull_logs(store, day(number - 1), KEY)
    # replaced: files that are no longer part of the table are still there
    one = store.read("predictions", filters=[("trace_id", "=", "t21")]).to_pylist()
    store.update_rows("predictions", rows_of(store.loop, "predictions", [{**one[0], "predicted": "grain"}]))
    return store


def shown(snippet, store, name="predictions"):
    values = {"table": f"{store.uri}/{name}", "storage_options": None}
    exec(SNIPPETS[snippet], values)
    return values["rows"]


def as_arrow(found, schema):
    """Return rows of any of the tools in the store's types, so that only their values can differ."""
    if not isinstance(found, pa.Table):
        found = (
            found.to_arrow()
            if hasattr(found, "to_arrow")
            else pa.Table.from_pandas(found, schema, preserve_index=False)
        )
    return found.select(schema.names).cast(schema)


@pytest.mark.parametrize("snippet", RUN)
def test_snippet_reads_the_rows_of_the_store(store, snippet):
    expected = store.read("predictions", filters=[("day", ">=", "2026-03-11")])
    assert expected.num_rows == 7
    assert as_arrow(shown(snippet, store), expected.schema).to_pylist() == expected.to_pylist()


def test_table_is_hard_to_read(store):
    """Without these the tests above would compare nothing that can go wrong."""
    rows = store.read("predictions")
    assert set(rows.column("segment_tier").to_pylist()) == {None, "ü"}
    assert {None, (0.3, 0.6, 0.1)} == {value and tuple(value) for value in rows.column("probabilities").to_pylist()}
    files = {path.name for path in Path(store.uri, "predictions").rglob("*.parquet")}
    assert len(files) > len(DeltaTable(f"{store.uri}/predictions").file_uris())
    assert rows.filter(pa.compute.equal(rows.column("trace_id"), "t21")).column("predicted").to_pylist() == ["grain"]


@pytest.mark.parametrize("name", ["files_read", "predictions"])
def test_readers_need_no_more_than_the_page_says(store, name):
    protocol = DeltaTable(f"{store.uri}/{name}").protocol()
    assert (protocol.min_reader_version, protocol.reader_features) == (1, None)


def test_every_column_is_of_the_promised_type(store):
    found = DeltaTable(f"{store.uri}/predictions").to_pyarrow_dataset().schema
    expected = store.schema("predictions")
    assert {field.name: field.type for field in found} == {field.name: field.type for field in expected}


def test_polars_travels_in_time(store):
    import polars as pl

    old = pl.scan_delta(f"{store.uri}/predictions", version=0).collect()
    assert old.height == 7
    assert "segment_tier" not in old.columns


def test_page_shows_what_is_run_and_says_what_is_not():
    assert set(SNIPPETS) == {*RUN, "spark"}
    for tool in ("Spark", "Trino"):
        section = PAGE.read_text(encoding="utf-8").split(f"\n## {tool}\n")[1].split("\n## ")[0]
        assert section.lstrip().startswith("Not run by our tests")
