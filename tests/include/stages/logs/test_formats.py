"""The same rows in every format; what is wrong with a file is refused with a reason that says where."""

import csv
import gzip
import io
import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.foundation.config.data_sections import OBJECTS
from include.foundation.digests import table_digest
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store
from tests.include.stages.logs.log_builders import ABSENT, rich_line, rich_loop

COUNT = 6


def records():
    """Return lines with and without what is optional, and one number that is not exact in binary."""
    changes = [{}, {("embedding",): ABSENT}, {("input", "free"): ABSENT}, {("user_id",): ABSENT}]
    changes += [{("probabilities",): ABSENT}, {("input", "amount"): 0.1 + 0.2, ("segments", "lang"): ABSENT}]
    return [rich_line(n, changes=changes[n % len(changes)]) for n in range(COUNT)]


def rich_store(folder, log_format, **logs):
    folder.mkdir(exist_ok=True)
    loop = rich_loop(folder, logs={"format": log_format, **logs})
    names = ("task", "inputs", "segments", "logs")
    return make_store(folder, **{name: loop.model_dump(exclude_defaults=True)[name] for name in names})


def rows_digest(store):
    pull_logs(store, day(), KEY)
    assert store.read("quarantine").to_pylist() == []
    rows = store.read("predictions")
    assert rows.num_rows == COUNT
    return table_digest(rows.drop_columns(["source"]))


def json_lines():
    return "".join(json.dumps(record) + "\n" for record in records()).encode()


def csv_text(rows, **options):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), **options)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def with_json_text(record):
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in record.items()}


def flat(record):
    found = {}
    for name, value in record.items():
        inner = value.items() if name in OBJECTS else [(None, value)]
        found |= {name if key is None else f"{name}.{key}": item for key, item in inner}
    return found


def flat_with_json_text(record):
    return with_json_text(flat(record))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jsonl")
    store = rich_store(folder, "jsonl")
    (folder / "logs" / "a.jsonl").write_bytes(json_lines())
    return rows_digest(store)


def compressed(raw, ending):
    if ending == ".zst":
        buffer = pa.BufferOutputStream()
        with pa.CompressedOutputStream(buffer, "zstd") as stream:
            stream.write(raw)
        return buffer.getvalue().to_pybytes()
    return gzip.compress(raw) if ending else raw


TEXTS = {
    "jsonl": json_lines,
    "csv": lambda: csv_text([with_json_text(record) for record in records()]),
    "csv-flat": lambda: csv_text([flat_with_json_text(record) for record in records()]),
    "csv-all-quoted": lambda: csv_text([with_json_text(record) for record in records()], quoting=csv.QUOTE_ALL),
    "csv-unix": lambda: csv_text([with_json_text(record) for record in records()], lineterminator="\n"),
}


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", TEXTS)
def test_text_formats_give_the_rows_of_json_lines(tmp_path, expected, kind, ending):
    log_format = kind.split("-")[0]
    store = rich_store(tmp_path, log_format)
    (tmp_path / "logs" / f"a.{log_format}{ending}").write_bytes(compressed(TEXTS[kind](), ending))
    assert rows_digest(store) == expected


def parquet_tables():
    rows = records()
    moments = [datetime.fromisoformat(row["ts"]) for row in rows]
    plain = pa.Table.from_pylist([with_json_text(row) for row in rows])
    scores = [list(row["probabilities"].items()) if "probabilities" in row else None for row in rows]

    def with_moments(unit, zone):
        values = pa.array(moments, pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit, zone))
        return plain.set_column(plain.schema.get_field_index("ts"), "ts", values)

    encoded = [
        column.dictionary_encode() if field.type == pa.string() else column
        for field, column in zip(plain.schema, plain.columns, strict=True)
    ]
    mapped = pa.array(scores, pa.map_(pa.string(), pa.float64()))
    return {
        "structs": pa.Table.from_pylist(rows),
        "json-text": plain,
        "flat": pa.Table.from_pylist([flat(row) for row in rows]),
        "flat-json-text": pa.Table.from_pylist([flat_with_json_text(row) for row in rows]),
        "map": plain.set_column(plain.schema.get_field_index("probabilities"), "probabilities", mapped),
        "microseconds": with_moments("us", "UTC"),
        "nanoseconds": with_moments("ns", "UTC"),
        "zone": with_moments("us", "America/New_York"),
        "no-zone": with_moments("ms", None),
        "dictionaries": pa.table(encoded, names=plain.column_names),
        "large-text": pa.table(
            [col.cast(pa.large_string()) if col.type == pa.string() else col for col in plain.columns],
            names=plain.column_names,
        ),
    }


@pytest.mark.parametrize("kind", list(parquet_tables()))
def test_parquet_columns_of_any_type_give_the_rows_of_json_lines(tmp_path, expected, kind):
    store = rich_store(tmp_path, "parquet")
    pq.write_table(parquet_tables()[kind], tmp_path / "logs" / "a.parquet")
    assert rows_digest(store) == expected


def test_parquet_integers_are_texts_and_numbers(tmp_path):
    rows = [
        {**flat(rich_line(n)), "trace_id": n, "model_version": 1, "input.amount": 3, "input.kind": 7, "user_id": 5}
        for n in range(3)
    ]
    store = rich_store(tmp_path, "parquet")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "logs" / "a.parquet")
    pull_logs(store, day(), KEY)
    found = store.read("predictions").to_pylist()
    assert [row["trace_id"] for row in found] == ["0", "1", "2"]
    assert {(row["model_version"], row["input_amount"], row["input_kind"]) for row in found} == {("1", 3.0, "7")}


@pytest.mark.parametrize("log_format", ["csv", "parquet"])
def test_bad_rows_of_a_columnar_file_are_refused_with_their_numbers(tmp_path, log_format):
    rows = [flat_with_json_text(rich_line(n)) for n in range(4)]
    rows[1]["prediction"] = "weather"
    rows[3]["input.vec"] = "[1, 2]"
    store = rich_store(tmp_path, log_format)
    path = tmp_path / "logs" / f"a.{log_format}"
    if log_format == "csv":
        path.write_bytes(csv_text(rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.refused) == (2, 2)
    found = {row["line"]: row["reason_code"] for row in store.read("quarantine").to_pylist()}
    assert found == {2: "unknown_class", 4: "bad_input"}


def test_probabilities_of_unheard_of_classes_only_are_refused_in_any_format(tmp_path):
    record = rich_line(1, changes={("probabilities",): {"weather": 1.0}})
    bare = rich_line(0, changes={("probabilities",): ABSENT})
    for kind in ("jsonl", "csv", "parquet"):
        store = rich_store(tmp_path / kind, kind)
        path = tmp_path / kind / "logs" / f"a.{kind}"
        if kind == "jsonl":
            path.write_text(json.dumps(bare) + "\n" + json.dumps(record) + "\n")
        elif kind == "csv":
            path.write_bytes(csv_text([with_json_text(bare), with_json_text(record)]))
        else:
            pq.write_table(pa.Table.from_pylist([record, bare]), path)
        assert pull_logs(store, day(), KEY).rows == 1
        assert store.read("quarantine").column("reason_code").to_pylist() == ["unknown_class"]


class TestCsv:
    HEADER = "trace_id,ts,model_version,prediction,input.text\n"
    GOOD = "t{0},2026-03-10T03:00:00Z,1,earn,story {0}\n"

    def pulled(self, folder, text):
        store = make_store(folder, logs={"format": "csv"})
        (folder / "logs" / "a.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        return store, pull_logs(store, day(), KEY)

    @pytest.mark.parametrize(
        ("bad", "place"),
        [
            ("t9,2026-03-10T03:00:00Z,1\n", 3),
            ("t9,2026-03-10T03:00:00Z,1,earn,a,b,c\n", 3),
            ('t9,2026-03-10T03:00:00Z,1,earn,"quote" behind\n', 2),  # the row: quotes put in doubt what a line is
        ],
        ids=["too-few-cells", "too-many-cells", "broken-quotes"],
    )
    def test_row_that_is_no_csv_is_refused_and_the_others_land(self, tmp_path, bad, place):
        store, report = self.pulled(tmp_path, self.HEADER + self.GOOD.format(1) + bad + self.GOOD.format(2))
        assert (report.rows, report.refused) == (2, 1)
        row = store.read("quarantine").to_pylist()[0]
        assert (row["reason_code"], row["line"]) == ("not_csv", place)
        assert row["raw"] == bad.rstrip("\n")

    @pytest.mark.parametrize(
        "text", ["story {}", '"one, ""two"" {}"', '"two\nlines {}"'], ids=["plain", "quoted", "lines"]
    )
    @pytest.mark.parametrize(
        ("broken", "lost"),
        [
            ('t25,2026-03-10T03:00:00Z,1,earn,"open\n', 1),
            ('t25,2026-03-10T03:00:00Z,1,"ea\n', 1),
            ('t25,2026-03-10T03:00:00Z,1,earn,"cut in the mid', 2),  # takes the row on its line with it
            ('t25,2026-03-10T03:00:00Z,1,earn,"half "quoted\n', 1),
        ],
        ids=["open", "cut-and-short", "next-on-its-line", "junk-behind"],
    )
    def test_row_whose_quotes_are_broken_takes_no_other_line_with_it(self, tmp_path, text, broken, lost):
        lines = [self.GOOD.format(n).replace(f"story {n}", text.format(n)) for n in range(50)]
        lines[25] = broken
        if lost == 2:
            lines[26] = self.GOOD.format(26)
        store, report = self.pulled(tmp_path, self.HEADER + "".join(lines))
        assert (report.rows, report.refused) == (50 - lost, 1)
        row = store.read("quarantine").to_pylist()[0]
        assert (row["reason_code"], row["line"]) == ("not_csv", 26)
        assert row["raw"] == (broken + lines[26] if lost == 2 else broken).rstrip("\n")

    def test_quoted_cell_may_hold_lines_commas_and_quotes(self, tmp_path):
        text = 'a "b",\nc'
        cell = '"' + text.replace('"', '""') + '"'
        store, report = self.pulled(tmp_path, self.HEADER + self.GOOD.format(1).replace("story 1", cell))
        assert report.rows == 1
        assert store.read("predictions").column("input_text").to_pylist() == [text]

    def test_empty_cell_is_nothing(self, tmp_path):
        store, report = self.pulled(tmp_path, self.HEADER + self.GOOD.format(1).replace("earn", ""))
        assert (report.rows, report.refused) == (0, 1)
        assert store.read("quarantine").column("reason_code").to_pylist() == ["missing_field"]

    @pytest.mark.parametrize(
        "text", ["", "\n", "trace_id,ts\nt1,2026-03-10T03:00:00Z\n"], ids=["empty", "blank", "few"]
    )
    def test_missing_columns_are_named(self, tmp_path, text):
        store, report = self.pulled(tmp_path, text)
        assert report.rows == 0
        found = store.read("quarantine").to_pylist()
        if text:
            assert found[0]["reason_code"] in {"missing_column", "not_csv"}
        assert not text.startswith("trace") or "model_version, input, prediction" in found[0]["reason"]

    def test_byte_order_mark_is_no_part_of_the_first_name(self, tmp_path):
        _, report = self.pulled(tmp_path, b"\xef\xbb\xbf" + (self.HEADER + self.GOOD.format(1)).encode())
        assert report.rows == 1

    def test_file_that_is_not_utf8_loses_no_other_row(self, tmp_path):
        raw = (self.HEADER + self.GOOD.format(1)).encode() + self.GOOD.format(2).encode().replace(b"story", b"\xff\xfe")
        store, report = self.pulled(tmp_path, raw + self.GOOD.format(3).encode())
        assert report.rows + report.refused == 3
        assert report.rows == 2
        assert store.read("quarantine").num_rows == 1


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_compressed_file_that_breaks_off_gives_the_rows_before_and_says_where(tmp_path, ending):
    store = make_store(tmp_path)
    lines = [
        {**json.loads(json.dumps(rich_line(n))), "input": {"text": f"{n * 7919 % 10007} {n}"}} for n in range(4000)
    ]
    raw = compressed(
        "".join(json.dumps(line | {"prediction": "earn", "probabilities": None}) + "\n" for line in lines).encode(),
        ending,
    )
    (tmp_path / "logs" / f"a.jsonl{ending}").write_bytes(raw[: len(raw) // 2])
    report = pull_logs(store, day(), KEY)
    assert 100 < report.rows < 4000
    found = {row["reason_code"]: row for row in store.read("quarantine").to_pylist()}
    assert "cut_off" in found
    assert f"breaks off after line {report.rows}" in found["cut_off"]["reason"]
    assert found["cut_off"]["line"] is None


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_file_that_is_not_compressed_at_all_is_refused_as_one(tmp_path, ending):
    store = make_store(tmp_path)
    (tmp_path / "logs" / f"a.jsonl{ending}").write_bytes(b"this is no archive")
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.refused) == (0, 1)
    assert store.read("quarantine").column("reason_code").to_pylist() == ["cut_off"]


@pytest.mark.parametrize("log_format", ["jsonl", "csv"])
def test_repeat_in_a_compressed_file_that_breaks_off_is_quarantined_too(tmp_path, log_format):
    """The file cannot be scanned, so the repeat's line is found by reading all lines once more."""
    lines = [flat(rich_line(n, changes={("input", "text"): f"{n * 7919 % 10007} {n}"})) for n in range(4000)]
    lines.insert(5, lines[3] | {"ts": "2026-03-10T04:00:00+00:00"})
    flat_lines = [{name: line[name] for name in TestCsv.HEADER.strip().split(",")} for line in lines]
    nested = [line | {"input": {"text": line["input.text"]}} for line in flat_lines]
    raw = csv_text(flat_lines) if log_format == "csv" else "".join(json.dumps(line) + "\n" for line in nested).encode()
    store, packed = make_store(tmp_path, logs={"format": log_format}), compressed(raw, ".gz")
    (tmp_path / "logs" / f"a.{log_format}.gz").write_bytes(packed[: len(packed) // 2])
    report = pull_logs(store, day(), KEY)
    assert report.rows > 100
    refused = {row["reason_code"]: (row["line"], row["trace_id"]) for row in store.read("quarantine").to_pylist()}
    assert refused == {"repeated_trace_id": (6, "t3"), "cut_off": (None, None)}
    assert pull_logs(store, day(), KEY) == report


def test_csv_that_is_not_compressed_at_all_is_refused_as_one(tmp_path):
    store = make_store(tmp_path, logs={"format": "csv"})
    (tmp_path / "logs" / "a.csv.gz").write_bytes(b"this is no archive, at all")
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.refused) == (0, 1)
    assert store.read("quarantine").column("reason_code").to_pylist() == ["cut_off"]


UNHELD = {
    "before year 1": pa.array([-(2**62)]).cast(pa.timestamp("us")), "after 9999": pa.array([2**62]).cast(pa.timestamp("us")),
    "days": pa.array([20260310], pa.int32()).cast(pa.date32()),
}  # fmt: skip


@pytest.mark.parametrize("edge", ["logs", "feedback"])
@pytest.mark.parametrize("column", ["ts", "unread"])
@pytest.mark.parametrize("kind", UNHELD)
def test_time_of_parquet_that_python_cannot_hold_costs_its_row_only_where_it_is_read(tmp_path, kind, column, edge):
    (tmp_path / "feedback").mkdir()
    source = {"format": "parquet", "uri": str(tmp_path / "feedback")}
    store = make_store(tmp_path, logs={"format": "parquet"}, feedback=source)
    good = {"ts": datetime(2026, 3, 10, 3, tzinfo=UTC), "unread": datetime(2026, 3, 10, tzinfo=UTC), "trace_id": "t"}
    lines = {
        "logs": {"model_version": "1", "input.text": "a story", "prediction": "earn"},
        "feedback": {"kind": "explicit", "signal": "report"},
    }[edge]
    rows = pa.Table.from_pylist([good | lines | {"trace_id": n, "feedback_id": n} for n in ("t", "u")])
    of_both = (
        pa.chunked_array([UNHELD[kind], pa.array([9], pa.int64()).cast(pa.int32()).cast(pa.date32())])
        if kind == "days"
        else pa.chunked_array([UNHELD[kind], pa.array([good[column]]).cast(UNHELD[kind].type)])
    )
    pq.write_table(rows.set_column(rows.schema.get_field_index(column), column, of_both), tmp_path / edge / "a.parquet")
    (pull_logs if edge == "logs" else pull_feedback)(store, day(), KEY)
    taken = store.read("predictions" if edge == "logs" else "feedback").column("trace_id").to_pylist()
    refused = [(row["line"], row["reason_code"]) for row in store.read("quarantine").to_pylist()]
    assert (taken, refused) == ((["u"], [(1, "bad_timestamp")]) if column == "ts" else (["t", "u"], []))


KINDS_OF_TIME = {
    "naive": (pa.timestamp("s"), {}), "nanoseconds": (pa.timestamp("ns"), {}), "zone": (pa.timestamp("us", "Asia/Kolkata"), {}),
    "int96": (pa.timestamp("s"), {"use_deprecated_int96_timestamps": True}),
}  # fmt: skip


@pytest.mark.parametrize("edge", ["logs", "feedback"])
@pytest.mark.parametrize("kind", KINDS_OF_TIME)
def test_moments_of_parquet_are_the_same_in_every_zone_and_century(tmp_path, monkeypatch, kind, edge):
    """Others shift what has no zone, and turn years beyond 2262 round (starrocks#73672, duckdb#6580)."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    (tmp_path / "feedback").mkdir()
    store = make_store(
        tmp_path, logs={"format": "parquet"}, feedback={"uri": str(tmp_path / "feedback"), "format": "parquet"}
    )
    moments = [datetime(2026, 3, 10, 3, tzinfo=UTC)] + [datetime(9999, 12, 31, tzinfo=UTC)] * (kind == "int96")
    of_type, options = KINDS_OF_TIME[kind]
    seconds = pa.array([int(moment.timestamp()) for moment in moments], pa.timestamp("s"))
    count = len(moments)
    lines = {
        "logs": {
            "trace_id": ["t", "u"],
            "model_version": ["1"] * 2,
            "input.text": ["a story"] * 2,
            "prediction": ["earn"] * 2,
        },
        "feedback": {
            "feedback_id": ["t", "u"],
            "trace_id": ["t"] * 2,
            "kind": ["explicit"] * 2,
            "signal": ["report"] * 2,
        },
    }[edge]
    table = pa.table({name: values[:count] for name, values in lines.items()} | {"ts": seconds.cast(of_type)})
    pq.write_table(table, tmp_path / edge / "a.parquet", **options)
    (pull_logs if edge == "logs" else pull_feedback)(store, day(), KEY)
    rows = store.read("predictions" if edge == "logs" else "feedback").column("ts").to_pylist()
    assert rows == moments[:1]
    refused = store.read("quarantine").to_pylist()
    assert [row["reason_code"] for row in refused] == ["from_the_future"] * (count - 1)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("log_format", ["jsonl", "csv", "parquet"])
def test_names_that_others_take_for_nothing_are_names(tmp_path, log_format):
    """Namibia is NA, and is lost by readers that guess (https://github.com/wireservice/csvkit/issues/806)."""
    names = ["NA", "N/A", "null", "NULL", "None", "nan", "true", "-"]
    kind = {"text": {"type": "text"}, "kind": {"type": "categorical", "required": False}}
    store = make_store(tmp_path, task={"classes": names}, inputs=kind, logs={"format": log_format})
    lines = [
        {"trace_id": f"t{n}", "ts": "2026-03-10T03:00:00Z", "model_version": "1", "input.text": "a story", "input.kind": name,
         "prediction": name, "segments.desk": name, "user_id": "u"}
        for n, name in enumerate(names)
    ]  # fmt: skip
    path = tmp_path / "logs" / f"a.{log_format}"
    if log_format == "parquet":
        pq.write_table(pa.Table.from_pylist(lines), path)
    elif log_format == "csv":
        path.write_bytes(csv_text(lines))
    else:
        nested = [
            {**line, "input": {"text": "a story", "kind": name}, "segments": {"desk": name}}
            for line, name in zip(lines, names, strict=True)
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in nested))
    assert pull_logs(store, day(), KEY).rows == len(names)
    rows = sorted(store.read("predictions").to_pylist(), key=lambda row: row["trace_id"])
    assert [(row["predicted"], row["input_kind"], row["segment_desk"]) for row in rows] == [
        (name,) * 3 for name in names
    ]


@pytest.mark.parametrize(
    ("kind", "number", "text"),
    [
        (pa.decimal128(18, 0), "5", "5"),
        (pa.decimal128(18, 0), "-999999999999999999", "-999999999999999999"),
        (pa.decimal128(38, 0), "9" * 38, "9" * 38),
        (pa.decimal128(38, 9), "9007199254740993", "9007199254740993"),
        (pa.decimal128(9, 2), "5", "5"),
        (pa.decimal128(9, 2), "1.5", "1.5"),
        (pa.decimal128(9, 9), "0.000000001", "1e-09"),
        (pa.decimal128(9, 2), "0", "0"),
    ],
)
def test_decimal_is_the_id_that_the_same_number_is_elsewhere(tmp_path, kind, number, text):
    (tmp_path / "feedback").mkdir()
    source = {"format": "parquet", "uri": str(tmp_path / "feedback")}
    store = make_store(tmp_path, logs={"format": "parquet"}, feedback=source)
    ids = pa.array([Decimal(number)], kind)
    signal = {"feedback_id": "f", "ts": line(0)["ts"], "kind": "explicit", "signal": "report"}
    for folder, record in (("logs", line(0, trace_id=None, probabilities=None)), ("feedback", signal)):
        rows = pa.Table.from_pylist([record]).append_column("trace_id", ids)
        pq.write_table(rows, tmp_path / folder / "a.parquet")
    pull_logs(store, day(), KEY)
    pull_feedback(store, day(), KEY)
    assert [store.read(table).column("trace_id").to_pylist() for table in ("predictions", "feedback")] == [[text]] * 2
