"""The scan and the careful reader agree: what decides over a line is the line, not who reads it."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.stages.logs.rules.row_rules import row_query
from include.stages.logs.scans.json_fields import JsonFields
from tests.include.stages.logs.log_builders import ABSENT, ODD, encoded, outcome, rich_line, rich_loop

FIELDS = [(name,) for name in rich_line(0)]
INSIDE = [(name, inner) for name in ("input", "probabilities", "segments") for inner in rich_line(0)[name]]
PATHS = [*FIELDS, *INSIDE, ("probabilities", "unheard of"), ("extra",), ("context", "page"), ("metadata", "cost")]
FORMER = ("was earn", "gone")
CHANGED = {"classes": ODD, "renamed": {"was earn": "earn"}, "retired": ["gone"]}
ODDITIES = [
    None, True, False, 0, -1, 7, 1.5, 7.0, -0.0, 1e16, 1e22, 1e-7, 5e-324, 10**30, 2**63, 2**53 + 1, float("nan"),
    float("inf"), "", " ", "7", "7.0", "1e3", "-3.5", "+4", " 5", "5 ", "0x10", "1_000", "_1", "1__0", "NaN", "inf",
    "Infinity", "true", "null", "{", "{}", "[1]", '{"desk": "eu"}', '{"text": "x"}', '{"earn": 1.0}', "[1, 2, 3]",
    "\ud800", "\udc00x", "é", "\x00", "a\x00b", "e\u0301", "😀", '"quoted"', "\\u0041", "\n", "\t x", "١٢", "1e400",
    ".5", "5.", "1d", [], {}, [1, 2, 3], [1, None, 3], [1, "2", 3], [1, True, 3], ["a"], [1, 2], [1e39, 1, 2],
    [float("nan"), 1, 1], [[1]], {"a": 1}, {"text": None}, {"earn": 1.0}, {"unheard of": 1.0}, "earn", "EARN",
    {**dict.fromkeys(ODD, 0.25), "earn": -0.25}, {**dict.fromkeys(ODD, 0), "earn": 1}, {"earn": 1, "unheard of": 0.5},
]  # fmt: skip
MOMENTS = [
    "2026-03-10T03:00:00Z", "2026-03-10T03:00:00", "2026-03-10 03:00:00", "2026-03-10", "2026-03-10T03:00",
    "2026-03-10T03", "2026-03-10T03:00:00.123456789Z", "2026-03-10T03:00:00.1Z", "2026-03-10T03:00:00,5Z",
    "2026-03-10T03:00:00+05:30", "2026-03-10T03:00:00+0530", "2026-03-10T03:00:00+05", "2026-03-10T03:00:00 UTC",
    "2026-03-10T03:00:00 Europe/Berlin", "20260310T030000Z", "2026-W11-2", "2026-3-1", "2026-03-10T3:00:00",
    "2026-03-10T24:00:00", "2026-03-10T23:59:60", "2026-02-30", "10000-01-01", "0001-01-01", "0000-01-01",
    "9999-12-31T23:59:59Z", "2026-03-10t03:00:00z", " 2026-03-10T03:00:00Z", "2026-03-10T03:00:00Z ",
    "2026-03-10 (BC)", "2026/03/10", "1772000000", "2026-03-12T00:00:00Z", "2026-03-12T00:05:00.000001Z",
    "2026-03-12T05:05:00+05:00", "2026-03-10T03:00:00+00:00:30", "infinity", "epoch", "now",
    "2026-03-10T03:00:00+23:59", "2026-03-10T03:00:00+24:00", "2026-03-10T03:00:00+5:30", "2026-03-10T03:00:00.Z",
    "1969-12-31T23:59:59.999999Z", "1500-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "2026-03-10T03:00:00\u221205:00",
    "\uff12\uff10\uff12\uff16-03-10", "26-03-10", "290000-01-01", "2026-03-10T03:00:00 EST", "2026-02-29T03:00:00Z",
]  # fmt: skip
FIRST = {  # the first line of a file decides what the scan reads as JSON
    "whole": {},
    "bare": {
        ("context",): ABSENT,
        ("impact",): ABSENT,
        ("source_id",): "7",
        ("embedding",): ABSENT,
        ("probabilities",): ABSENT,
        ("input", "free"): ABSENT,
        ("segments",): ABSENT,
    },
    "sparse": {("probabilities", "7"): ABSENT, ("probabilities", "earn"): 0.6, ("segments", "lang"): ABSENT},
}
LENIENT = {  # what DuckDB takes for JSON and Python does not: in a line that is sure otherwise it does not matter
    "comma behind the last": lambda raw: raw[:-1] + b",}",
    "form feed before": lambda raw: b"\x0c" + raw,
    "vertical tab behind": lambda raw: raw + b"\x0b",
    "nan in a field that is not read": lambda raw: raw[:-1] + b',"z":nan}',
    "number of 5000 digits in one": lambda raw: raw[:-1] + b',"z":' + b"9" * 5000 + b"}",
    "key given twice, of which the first counts": lambda raw: raw[:-1] + b',"trace_id":"second"}',
}
STRICT = {
    "garbage behind": lambda raw: raw + b" x",
    "two objects": lambda raw: raw + raw,
    "comment": lambda raw: raw + b" // hi",
    "byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "no-break space before": lambda raw: "\u00a0".encode() + raw,
    "null byte behind": lambda raw: raw + b"\x00",
    "control character": lambda raw: raw.replace(b"hello", b"he\x01llo"),
    "not UTF-8": lambda raw: raw.replace(b"hello", b"he\xffllo"),
    "overlong UTF-8": lambda raw: raw.replace(b"hello", b"he\xc0\xafllo"),
    "surrogate in UTF-8": lambda raw: raw.replace(b"hello", b"he\xed\xa0\x80llo"),
    "half a surrogate pair": lambda raw: raw.replace(b"hello", b"he\\ud800llo"),
    "half a pair in a field that is not read": lambda raw: raw[:-1] + b',"z":"\\ud800"}',
    "bad escape": lambda raw: raw.replace(b"hello", b"he\\xllo"),
    "number with a leading zero": lambda raw: raw.replace(b"3.5", b"03.5"),
    "Python's True": lambda raw: raw.replace(b"3.5", b"True"),
    "single quotes": lambda raw: raw.replace(b'"hello"', b"'hello'"),
    "cut": lambda raw: raw[:-20],
    "key in capitals": lambda raw: raw.replace(b'"trace_id"', b'"Trace_ID"'),
    "number beyond a float": lambda raw: raw.replace(b"3.5", b"9" * 400),
}
HARMLESS = {
    "white space around": lambda raw: b" \t" + raw + b"  ",
    "carriage return": lambda raw: raw + b"\r",
    "carriage return inside": lambda raw: raw.replace(b", ", b",\r", 1),
    "whole surrogate pair": lambda raw: raw.replace(b"hello", b"he\\ud83d\\ude00llo"),
    "escaped null": lambda raw: raw.replace(b"hello", b"he\\u0000llo"),
    "escaped key": lambda raw: raw.replace(b'"trace_id"', b'"trace\\u005fid"'),
    "line separator": lambda raw: raw.replace(b"hello", "he\u2028llo".encode()),
    "long fraction": lambda raw: raw.replace(b"3.5", b"0.1000000000000000055511151231257827021181583404541015625"),
    "version with a last zero": lambda raw: raw.replace(b'"1.10"', b"1.10"),
    "version with an exponent": lambda raw: raw.replace(b'"1.10"', b"11e-1"),
    "version that is minus zero": lambda raw: raw.replace(b'"1.10"', b"-0"),
    "whole version as a float": lambda raw: raw.replace(b'"1.10"', b"3.00"),
    "segment with a last zero": lambda raw: raw.replace(b'"eu"', b"0.50"),
    "person with an exponent": lambda raw: raw.replace(b'"u1"', b"1E2"),
    "depth of 100": lambda raw: raw[:-1] + b',"z":' + b"[" * 100 + b"]" * 100 + b"}",
}


BY_OLD_MODEL = {("probabilities", name): value for name, value in (("earn", ABSENT), ("was earn", 0.3), ("gone", 0.2))}
BY_WIDER_MODEL = {("probabilities", name): value for name, value in (("earn", 0.1), ("gone", 0.4))}


def same_both_ways(loop, path, lines):
    path.write_bytes(b"\n".join(lines) + b"\n")
    scanned, careful = outcome(loop, path), outcome(loop, path, careful=True)
    assert scanned == careful
    assert scanned[1] == sum(bool(raw.strip()) for raw in lines)
    return scanned[0]


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("required", [True, False], ids=["required", "optional"])
def test_every_odd_value_of_every_field_is_read_alike(tmp_path, required, first):
    lines = [encoded(rich_line(0, changes=FIRST[first]))]
    for path in PATHS:
        values = [ABSENT, *ODDITIES, *(MOMENTS if path == ("ts",) else [])]
        lines += [
            encoded(rich_line(len(lines) + n, changes={path: value}), escaped=n % 2 == 0)
            for n, value in enumerate(values)
        ]
    found = same_both_ways(rich_loop(tmp_path, required=required), tmp_path / "log.jsonl", lines)
    assert 500 < sum(text.startswith("row") for text in found.values()) < len(lines) - 500


@pytest.mark.parametrize(
    "first", [{}, BY_OLD_MODEL, BY_WIDER_MODEL, FIRST["bare"]], ids=["today", "old", "wider", "bare"]
)
def test_former_names_of_classes_are_read_alike(tmp_path, first):
    lines = [encoded(rich_line(0, changes=first))]
    for spoken in ({}, BY_OLD_MODEL, BY_WIDER_MODEL):
        for name in (*FORMER, "earn", "7"):
            for value in [ABSENT, *ODDITIES, 0.1, 0.2, 0.3, 0.0005]:
                lines.append(encoded(rich_line(len(lines), changes={**spoken, ("probabilities", name): value})))
    lines += [encoded(rich_line(len(lines) + n, changes={("prediction",): name})) for n, name in enumerate(FORMER)]
    found = same_both_ways(rich_loop(tmp_path, task=CHANGED), tmp_path / "log.jsonl", lines)
    assert sum(text.startswith("row") for text in found.values()) > 150
    assert all(found[len(lines) - n].startswith("row") for n in (0, 1))


values = st.one_of(
    st.sampled_from(ODDITIES), st.sampled_from(MOMENTS), st.just(ABSENT), st.floats(), st.integers(), st.text(max_size=6),
    st.lists(st.none() | st.floats(width=32) | st.integers(-9, 9), max_size=4),
    st.text("0123456789+-_.eE ", max_size=7), st.dictionaries(st.sampled_from(ODD), st.floats(0, 1), max_size=3),
    st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat()),
)  # fmt: skip
mutations = st.dictionaries(st.sampled_from(PATHS), values, max_size=4)
stray = st.sampled_from(
    [b"", b" ", b"\t\t", b"\r", b"[1]", b"null", b"5", b"{", b"x", b"\xff", b"{}", b'{"a": 1, "a": 2}']
)
lines = st.one_of(mutations, mutations, mutations, stray)


@settings(max_examples=45, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.booleans(), st.sampled_from(list(FIRST)), st.lists(lines, min_size=1, max_size=25), st.booleans())
@example(True, "whole", [b"", {("trace_id",): True}, b"\r", {("ts",): "soon"}, b" ", b"x"], True)
def test_lines_with_any_faults_are_read_alike(tmp_path_factory, required, first, drawn, escaped):
    folder = tmp_path_factory.mktemp("fuzz")
    found = [encoded(rich_line(0, changes=FIRST[first]))]
    found += [
        item if isinstance(item, bytes) else encoded(rich_line(n, changes=item), escaped=escaped)
        for n, item in enumerate(drawn)
    ]
    same_both_ways(rich_loop(folder, required=required), folder / "log.jsonl", found)


@pytest.mark.parametrize("broken", STRICT)
def test_line_that_is_not_json_is_refused_by_both(tmp_path, broken):
    lines = [encoded(rich_line(0)), STRICT[broken](encoded(rich_line(1))), encoded(rich_line(2))]
    found = same_both_ways(rich_loop(tmp_path), tmp_path / "log.jsonl", lines)
    assert [place for place, text in found.items() if text.startswith("refused")] == ["line 2"]


@pytest.mark.parametrize("unusual", HARMLESS)
def test_line_that_is_json_is_taken_by_both(tmp_path, unusual):
    lines = [encoded(rich_line(0)), HARMLESS[unusual](encoded(rich_line(1))), encoded(rich_line(2))]
    found = same_both_ways(rich_loop(tmp_path), tmp_path / "log.jsonl", lines)
    assert all(text.startswith("row") for text in found.values())


@pytest.mark.parametrize("lenient", LENIENT)
def test_scan_is_by_design_more_lenient_about_what_it_does_not_read(tmp_path, lenient):
    """The one place where the two differ; the row is the one that the line has without the flaw."""
    loop, path = rich_loop(tmp_path), tmp_path / "log.jsonl"
    plain = encoded(rich_line(1))
    path.write_bytes(encoded(rich_line(0)) + b"\n" + plain + b"\n")
    wanted = outcome(loop, path)[0][2]
    path.write_bytes(encoded(rich_line(0)) + b"\n" + LENIENT[lenient](plain) + b"\n")
    assert outcome(loop, path)[0][2] == wanted
    assert outcome(loop, path, careful=True)[0]["line 2"].startswith("refused [('not_json'")


@pytest.mark.parametrize("first", FIRST)
def test_good_lines_are_not_looked_at_one_by_one(tmp_path, monkeypatch, first):
    """However odd the names of the classes, and whatever the first line lacks: else a pull takes ten times as long."""
    monkeypatch.setattr("include.foundation.lines.log_lines.LineReader.row", None)
    path = tmp_path / "log.jsonl"
    lines = [rich_line(0, changes=FIRST[first]), rich_line(1), rich_line(2, changes={("user_id",): ABSENT})]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert outcome(rich_loop(tmp_path), path)[1] == 3


def test_person_of_a_line_that_was_looked_at_has_a_pseudonym(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(encoded(rich_line(0)) + b"\n" + encoded(rich_line(1, changes={("ts",): "2026-03-10T03"})) + b"\n")
    found = outcome(rich_loop(tmp_path), path)[0]
    person = found[1][found[1].index("'user_id'") :]
    assert "None" not in person
    assert found[2].endswith(person)


def test_segments_as_json_text_are_read_whatever_the_first_line_has(tmp_path):
    path = tmp_path / "log.jsonl"
    text = {("segments",): '{"desk": "asia"}'}
    for changes in FIRST.values():
        path.write_bytes(encoded(rich_line(0, changes=changes)) + b"\n" + encoded(rich_line(1, changes=text)) + b"\n")
        assert "'segment_desk': 'asia'" in outcome(rich_loop(tmp_path), path)[0][2]


@pytest.mark.parametrize("as_json", [set(), {("probabilities",)}], ids=["all given", "some absent"])
@pytest.mark.parametrize("former", [0, 20])
def test_the_query_grows_as_the_number_of_classes_does(tmp_path, former, as_json):
    def length(classes):
        names = [f"class {number:04d}" for number in range(classes)]
        task = {"classes": names, "renamed": {f"old {number}": names[number] for number in range(former)}}
        query = row_query(rich_loop(tmp_path, task=task), JsonFields({}, frozenset(as_json)))
        return sum(map(len, query))

    assert length(400) - length(200) <= 2.1 * (length(200) - length(100))
