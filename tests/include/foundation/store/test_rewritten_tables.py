"""Files that Delta itself rewrote note their texts as string views: every way to read a table reads them as any others."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from include.foundation.quality.judged_sample import sampled_rows
from include.foundation.store.bulk.day_batches import day_batches, newest_moment, rows_between
from include.foundation.store.bulk.file_rows import column_with_places
from include.foundation.store.rows import rows_of
from include.foundation.store.schemas import schemas
from include.stages.drift.profiling.profiles import profile_days
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import DAY, KEY, day, line, make_store, make_tiny_loop, write_lines

ROWS = 12
FILTERS = [
    *([("trace_id", operator, "t5")] for operator in ("=", "!=", "<", "<=", ">", ">=")),
    [("trace_id", "in", ["t1", "t11", "none"])],
    [("predicted", "=", "earn"), ("ts", ">=", DAY), ("day", "=", "2026-03-10")],
]


def by_delete(table):
    table.delete("trace_id = 'gone'")


def by_update(table):
    table.update(updates={"user_key": "'u'"}, predicate="trace_id = 't3'")


def by_merge(table):
    rows = table.to_pyarrow_table().slice(0, 1)
    merge = table.merge(rows, "a.trace_id = b.trace_id AND a.day = b.day", source_alias="a", target_alias="b")
    merge.when_matched_update_all().execute()


def by_merge_and_compaction(table):
    by_merge(table)
    assert table.optimize.compact()["numFilesRemoved"] > 1


REWRITTEN = [by_delete, by_update, by_merge, by_merge_and_compaction]


def pulled(folder, prediction="earn"):
    store = make_store(folder, selection={"budget": 4, "diversify": "none"})
    (folder / "logs").mkdir(exist_ok=True)
    write_lines(folder, [line(n) for n in range(ROWS)], "first.jsonl")
    pull_logs(store, day(), KEY)
    write_lines(folder, [line(n) for n in range(ROWS, ROWS + 3)] + [line(99, trace_id="gone")], "second.jsonl")
    pull_logs(store, day(), KEY)
    return store


@pytest.fixture(params=REWRITTEN, ids=lambda rewrite: rewrite.__name__)
def twins(tmp_path, request):
    """A store whose predictions were rewritten, and one with the same rows in the files that we wrote."""
    stores = []
    for name in ("plain", "rewritten"):
        (tmp_path / name).mkdir()
        stores.append(pulled(tmp_path / name))
    plain, rewritten = stores
    request.param(DeltaTable(f"{rewritten.uri}/predictions"))
    rows = rewritten.read("predictions").to_pylist()
    plain.replace_where("predictions", rows_of(plain.loop, "predictions", rows), "day", day().days)
    return plain, rewritten


@pytest.mark.parametrize("rewrite", [by_delete, by_update, by_merge], ids=lambda rewrite: rewrite.__name__)
def test_delta_writes_texts_as_views(tmp_path, rewrite):
    """Without it the tests below would compare nothing that can go wrong."""
    store = pulled(tmp_path)
    rewrite(DeltaTable(f"{store.uri}/predictions"))
    files = store.open_table("predictions").file_uris()
    assert pa.string_view() in {pq.read_schema(file).field("trace_id").type for file in files}


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: " ".join(filters[0][:2]))
def test_conditions_on_texts_find_the_same_rows(twins, filters):
    plain, rewritten = (store.read("predictions", filters=filters) for store in twins)
    assert plain.num_rows > 0
    assert rewritten.to_pylist() == plain.to_pylist()


def test_readers_of_days_and_files_give_the_same(twins):
    def read(store):
        batches = list(day_batches(store, "predictions", "2026-03-10", ["trace_id", "predicted", "input_text"]))
        dataset = store.dataset("predictions")
        placed = column_with_places(dataset, [file.path for file in dataset.get_fragments()], "trace_id").read_all()
        return (
            sorted(str(row) for batch in batches for row in batch.to_pylist()),
            sorted(placed.column("trace_id").to_pylist()),
            sampled_rows(
                store, day(), ["trace_id", "input_text"], rows_between(store, "predictions", day()), 5
            ).to_pylist(),
            newest_moment(store, "predictions"),
        )

    plain, rewritten = map(read, twins)
    assert rewritten == plain


def test_stages_go_on_after_the_tables_were_rewritten(twins):
    plain, rewritten = twins
    found = []
    for store in twins:
        judged = validate_logs(store, day())
        found.append((judged.rows, profile_days(store, day()), select_samples(store, day()).requests))
    assert found[0] == found[1]
    assert plain.read("requests").to_pylist() == rewritten.read("requests").to_pylist()


def test_requests_that_were_updated_and_compacted_leave_the_next_draw_working(tmp_path):
    """What stopped loops for good: the ledger is rewritten at every push, and the next draw asks for the other batches."""
    store = pulled(tmp_path)
    select_samples(store, day())
    rows = [{**row, "external_id": "1"} for row in store.read("requests").to_pylist()]
    store.update_rows("requests", rows_of(store.loop, "requests", rows))
    store.append_new(
        "requests", rows_of(store.loop, "requests", [{**rows[0], "request_id": "another", "batch_id": "b"}])
    )
    DeltaTable(f"{store.uri}/requests").optimize.compact()
    batch = rows[0]["batch_id"]
    assert store.read("requests", filters=[("batch_id", "!=", batch)]).column("request_id").to_pylist() == ["another"]
    write_lines(tmp_path, [line(n, when=DAY + timedelta(days=1, hours=1)) for n in range(200, 220)], "next.jsonl")
    pull_logs(store, day(1), KEY)
    assert select_samples(store, day(1)).requests == 4


def test_refusals_are_counted_after_quarantine_was_compacted(tmp_path):
    store = pulled(tmp_path)
    for number in range(3):
        write_lines(tmp_path, [line(n, prediction="nothing") for n in range(number + 1)], f"bad{number}.jsonl")
        pull_logs(store, day(), KEY)
    before = store.read("quarantine", filters=[("stage", "=", "logs")]).to_pylist()
    assert DeltaTable(f"{store.uri}/quarantine").optimize.compact()["numFilesRemoved"] > 1
    assert store.read("quarantine", filters=[("stage", "=", "logs")]).to_pylist() == before
    with pytest.raises(Exception, match="6 of 22 log lines were refused"):
        validate_logs(store, day())
    write_lines(tmp_path, [line(5)], "again.jsonl")  # earlier refusals of its trace id are looked up
    pull_logs(store, day(), KEY)


VALUES = {
    pa.string(): lambda number: f"text {number}",
    pa.list_(pa.string()): lambda number: [f"text {number}"],
    pa.float64(): float,
    pa.list_(pa.float64()): lambda number: [float(number)],
    pa.list_(pa.float32()): lambda number: [float(number)],
    pa.int64(): int,
    pa.list_(pa.int64()): lambda number: [number],
    pa.bool_(): bool,
    pa.timestamp("us", tz="UTC"): lambda number: DAY + timedelta(hours=number),
}


@pytest.mark.parametrize("name", sorted(schemas(make_tiny_loop(["a", "b"]))))
def test_every_table_is_read_as_before_after_a_delete_an_update_and_a_compaction(tmp_path, name):
    store = make_store(tmp_path)
    schema = store.table_schema(name)
    rows = [
        {field.name: "2026-03-10" if field.name == "day" else VALUES[field.type](number) for field in schema.columns}
        for number in range(6)
    ]
    for begin in (0, 2, 4):
        store.append_new(name, rows_of(store.loop, name, rows[begin : begin + 2]))
    by_key = [(column, "=", rows[3][column]) for column in schema.key]
    expected, found = store.read(name).to_pylist(), store.read(name, filters=by_key).to_pylist()
    assert len(found) == 1
    table = DeltaTable(f"{store.uri}/{name}")
    text = next(field.name for field in schema.columns if field.type == pa.string() and field.name != "day")
    table.delete(f"{text} = '{rows[0][text]}'")
    table.update(updates={text: f"concat({text}, '')"})
    table.optimize.compact()
    store = make_store(tmp_path)
    assert store.read(name).to_pylist() == expected[1:]
    assert store.read(name, filters=by_key).to_pylist() == found
    for column in (field.name for field in schema.columns if field.type == pa.string() and field.name != "day"):
        for sign, count in {"=": 1, "!=": 4, "<": 2, ">=": 3}.items():
            assert store.read(name, filters=[(column, sign, rows[3][column])]).num_rows == count, (column, sign)
    store.append_new(name, rows_of(store.loop, name, rows[:1]))
    assert store.read(name).to_pylist() == expected
