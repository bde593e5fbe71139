"""Every edge makes the same of the same: odd values and files are read at each, and one table says what becomes of them."""

import gzip
import io
import json
import os
import zipfile
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.edge_builders import EDGES, Edge

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
REFUSED = object()
NOBODY = None
ABSENT = object()

ODD: dict[str, list[tuple[Any, Any]]] = {
    "id": [
        ("r", "r"), (5, "5"), (6.0, "6"), ("5.0", "5.0"), (1.5, "1.5"), (True, "true"), (" x ", " x "),
        (9007199254740993, "9007199254740993"), ("NaN", "NaN"), ("", REFUSED), (None, REFUSED), (ABSENT, REFUSED),
        ([5], REFUSED), ({"a": 5}, REFUSED), (float("nan"), REFUSED), (float("inf"), REFUSED),
    ],
    "class": [
        ("1", "1"), (1, "1"), (1.0, "1"), (" 1\t", "1"), ("étude", "étude"), ("e\u0301tude", "étude"), ("x" * 200, "x" * 200),
        ("Étude", REFUSED), ("1.0", REFUSED), ("2", REFUSED), ("", REFUSED), (True, REFUSED), (["1"], REFUSED),
        ({"1": 1}, REFUSED), (float("nan"), REFUSED), (ABSENT, REFUSED),
    ],
    "time": [
        ("2026-03-10T12:00:00Z", NOON), ("2026-03-10T12:00:00", NOON), ("2026-03-10 12:00:00", NOON),
        ("2026-03-10T12:00", NOON), ("20260310T120000Z", NOON), ("2026-03-10T14:00:00+02:00", NOON),
        (" 2026-03-10T12:00:00Z ", NOON), ("2026-03-10T12:00:00.000000Z", NOON), ("9999-12-31T23:59:59Z", REFUSED),
        ("2099-01-01", REFUSED), ("soon", REFUSED), ("", REFUSED), (1773144000, REFUSED), ("1773144000", REFUSED),
        (["2026-03-10"], REFUSED), ({}, REFUSED), (True, REFUSED), ("2026-02-30", REFUSED),
    ],
    "person": [("ada", "ada"), (7, "7"), (8.0, "8"), (0, "0"), (True, "true"), (" ada ", " ada "), ("Jose\u0301", "Jos\u00e9")],
    "truth": [
        *((yes, True) for yes in (True, 1, 1.0, "true", "True", " yes ", "Y", "t", "on", "1")),
        *((no, False) for no in (False, 0, 0.0, "false", "no", "N", "f", "off", "0", "perhaps", 2, [True], {"a": True})),
    ],
    "seconds": [
        (3, 3.0), (3.5, 3.5), ("3.5", 3.5), (0, 0.0), (None, None), (ABSENT, None), (2_592_000, 2_592_000.0),
        (2_592_001, REFUSED), (-1, REFUSED), (1700000000000000001, REFUSED), (10**400, REFUSED), (float("nan"), REFUSED),
        (float("inf"), REFUSED), ("long", REFUSED), ([3], REFUSED), ({}, REFUSED),
    ],
}  # fmt: skip
CASES = [pytest.param(edge, kind, id=f"{edge.name}-{kind}") for edge in EDGES for kind in edge.fields]


def changed(record: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    return {name: item for name, item in {**record, key: value}.items() if item is not ABSENT}


@pytest.mark.parametrize(("edge", "kind"), CASES)
def test_odd_values_are_taken_folded_or_refused_alike(edge: Edge, kind: str, tmp_path):
    """Each value in a line of its own; the first line is a good one, as it decides what a scan expects."""
    store, (key, column) = edge.store(tmp_path), edge.fields[kind]
    values = [pair for pair in ODD[kind] if not (edge.table == "labels" and kind == "time" and pair[0] is ABSENT)]
    lines = [edge.good(0), *(changed(edge.good(n), key, value) for n, (value, _) in enumerate(values, start=1))]
    edge.write(tmp_path, lines)
    edge.take(store)
    wanted = dict(enumerate((meaning for _, meaning in values), start=1))
    taken, refused = edge.taken(store, column), edge.refused(store)
    if kind == "truth":
        assert {number: number in taken for number in wanted} == wanted
        return
    if kind == "person":
        wanted = {number: edge.person(store, name) for number, name in wanted.items()}
    found = {number: REFUSED if number + 1 in refused else taken[number] for number in wanted}
    assert found == wanted


@pytest.mark.parametrize("edge", [edge for edge in EDGES if "person" in edge.fields], ids=lambda edge: edge.name)
@pytest.mark.parametrize("nobody", ["", "  ", None, ABSENT])
def test_nobody_in_particular_is_no_person(edge: Edge, nobody, tmp_path):
    """A prediction or a signal may be nobody's; an answer is somebody's."""
    store, (key, column) = edge.store(tmp_path), edge.fields["person"]
    edge.write(tmp_path, [edge.good(0), changed(edge.good(1), key, nobody)])
    edge.take(store)
    if edge.table == "annotations" and nobody != "  ":
        assert edge.refused(store) == {2: "missing_field"}
    elif edge.table != "annotations":
        assert edge.taken(store, column)[1] is None


def zstd(raw: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(raw)
    return bytes(sink.getvalue())


FILES = {
    "byte order mark": ("a.jsonl", lambda raw: b"\xef\xbb\xbf" + raw),
    "carriage returns": ("a.jsonl", lambda raw: raw.replace(b"\n", b"\r\n")),
    "empty lines": ("a.jsonl", lambda raw: b"\n \n" + raw.replace(b"\n", b"\n\n\t\n")),
    "no last line end": ("a.jsonl", lambda raw: raw.rstrip(b"\n")),
    "gzip": ("a.jsonl.gz", gzip.compress),
    "two gzips in one": ("a.jsonl.gz", lambda raw: gzip.compress(raw[:50]) + gzip.compress(raw[50:])),
    "zstandard": ("a.jsonl.zst", zstd),
    "subfolder": ("year=2026/month=3/a.jsonl", bytes),
    "pattern in its name": ("a[1]*?.jsonl", bytes),
    "name in other signs": ("naïve 類 #1%20.jsonl", bytes),
}


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
@pytest.mark.parametrize("odd", FILES)
def test_files_as_others_save_them_are_read_whole(edge: Edge, odd, tmp_path):
    store, (name, saved) = edge.store(tmp_path), FILES[odd]
    path = edge.write(tmp_path, [edge.good(n) for n in range(3)], name)
    path.write_bytes(saved(path.read_bytes()))
    edge.take(store)
    assert (set(edge.taken(store)), edge.refused(store)) == ({0, 1, 2}, {})


def zipped(raw: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", raw)
    return packed.getvalue()


OTHERS = {  # with a line end somewhere, since what has none is still being written
    "gzip": lambda raw: gzip.compress(raw) + b"\n",
    "zstandard": lambda raw: zstd(raw) + b"\n",
    "zip": zipped,
    "utf-16": lambda raw: raw.decode().encode("utf-16"),
}


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
@pytest.mark.parametrize("other", OTHERS)
def test_content_that_the_name_does_not_tell_is_refused_as_one_file_in_plain_words(edge: Edge, other, tmp_path):
    """Shippers compress without saying so in the name (https://github.com/fluent/fluent-bit/issues/3296)."""
    store = edge.store(tmp_path)
    path = edge.write(tmp_path, [edge.good(n) for n in range(3)])
    path.write_bytes(OTHERS[other](path.read_bytes()))
    edge.take(store)
    (row,) = store.read("quarantine").to_pylist()
    code = "bad_seed" if edge.name == "seeds" else "not_json"
    assert (edge.taken(store), row["line"], row["reason_code"]) == ({}, None, code)
    assert "whose name says so" in row["reason"]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
@pytest.mark.parametrize("odd", [b"\xff\xfe\x00\n", b"PK\x03\x04 and no more\n", b"PAR1\n", b"\x1f\x8b\x08\n"])
def test_odd_first_line_costs_no_other_be_it_of_the_file_or_of_what_is_appended(edge: Edge, odd, tmp_path):
    store = edge.store(tmp_path)
    path = edge.write(tmp_path, [odd, edge.good(1)])
    edge.take(store)
    assert (set(edge.taken(store)), set(edge.refused(store))) == ({1}, {1})
    with path.open("ab") as appended:
        appended.write(odd + json.dumps(edge.good(2)).encode() + b"\n")
    edge.take(store)
    assert set(edge.taken(store)) == {1, 2}
    assert store.read("quarantine").num_rows == 2


OTHER_THINGS = {
    "b.jsonl.part": "does not end in", "c.jsonl~": "does not end in", "d.txt": "does not end in", "e": "does not end in",
    "f.jsonl": "is a folder", "g.jsonl": "leads nowhere", "h.jsonl": "leads nowhere", "i.jsonl": "is no regular file",
    "k": "is a link to a folder, which is not followed",
}  # fmt: skip


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_what_is_no_file_of_lines_is_passed_over_and_named(edge: Edge, tmp_path):
    """What is being written is no news in a folder that programs write to, and it is where people do."""
    store = edge.store(tmp_path)
    edge.write(tmp_path, [edge.good(0)])
    hidden = [".a.jsonl.swp", ".half.jsonl", "_temporary/0.jsonl"]
    for name in (*hidden, "b.jsonl.part", "c.jsonl~", "d.txt", "e"):
        edge.write(tmp_path, [b"{"], name)
    folder = tmp_path / edge.folder
    (folder / "f.jsonl").mkdir()
    (folder / "g.jsonl").symlink_to(folder / "nowhere")
    (folder / "h.jsonl").symlink_to(folder / "h.jsonl")
    os.mkfifo(folder / "i.jsonl")
    (folder / "k").symlink_to(tmp_path / "labeling")
    edge.write(tmp_path, [], "j.jsonl")
    told = "\n".join(edge.told(store))
    assert [name for name, reason in OTHER_THINGS.items() if f"{name} {reason}" not in told] == []
    assert [name in told for name in hidden] == [edge.name in ("answers", "manifests", "seeds")] * 3
    assert "j.jsonl" not in told
    edge.take(store)
    assert (set(edge.taken(store)), edge.refused(store)) == ({0}, {})


@pytest.mark.parametrize("edge", [edge for edge in EDGES if edge.table != "labels"], ids=lambda edge: edge.name)
def test_half_a_last_line_waits_for_the_other_half(edge: Edge, tmp_path):
    store = edge.store(tmp_path)
    half = json.dumps(edge.good(1)).encode()
    path = edge.write(tmp_path, [edge.good(0), half[:-9]])
    os.utime(path, (edge_time := datetime.now(UTC).timestamp(), edge_time))
    if edge.folder == "logs":  # what counts as lately is told by the interval there
        os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    edge.take(store)
    assert (set(edge.taken(store)), edge.refused(store)) == ({0}, {})
    path.write_bytes(path.read_bytes() + half[-9:] + b"\n")
    edge.take(store)
    assert (set(edge.taken(store)), edge.refused(store)) == ({0, 1}, {})


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_file_that_breaks_off_gives_the_lines_before_and_says_so(edge: Edge, tmp_path):
    store = edge.store(tmp_path)
    lines = [edge.good(n) | {"noise": f"{n * 7919 % 10007}"} for n in range(500)]
    path = edge.write(tmp_path, lines, "a.jsonl.gz")
    packed = gzip.compress(path.read_bytes(), mtime=0)
    path.write_bytes(packed[: len(packed) // 2])
    edge.take(store)
    refused = edge.refused(store)
    assert len(refused) == 1
    assert None in refused
    assert 20 < len(edge.taken(store)) < 500


BROKEN = {
    "not JSON": b'{"a": 1',
    "no object": b"[1, 2]",
    "key twice": b'{"a": 1, "a": 2}',
    "not UTF-8": b'{"a": "\xff"}',
    "half a surrogate pair": b'{"a": "\\ud800"}',
    "5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "nested 5,000 deep": b"[" * 5000,
    "null byte": b'{"a": 1}\x00',
    "empty object": b"{}",
    "binary": bytes(sign for sign in range(256) if sign != 10),
}


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_line_that_cannot_be_used_is_refused_with_its_number_and_the_others_are_taken(edge: Edge, tmp_path):
    store = edge.store(tmp_path)
    lines: list[Any] = []
    for n, broken in enumerate(BROKEN.values()):
        lines += [edge.good(n), broken + b"\n"]
    edge.write(tmp_path, lines)
    edge.take(store)
    assert set(edge.taken(store)) == set(range(len(BROKEN)))
    assert set(edge.refused(store)) == {2 * n for n in range(1, len(BROKEN) + 1)}


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
@pytest.mark.parametrize("levels", [101, 960, 100_000])
def test_line_that_is_nested_however_deep_costs_no_other_and_is_taken_where_nobody_reads_the_place(
    edge: Edge, levels, tmp_path
):
    store = edge.store(tmp_path)
    uncounted = {"comment", "consent"}  # `taken` tells the line by it; without it nothing is kept
    keys = [key for key in edge.good(0) if key not in uncounted]
    lines = [edge.good(number) for number in range(2 * len(keys) + 4)]
    for number, key in enumerate([*keys, "unread"]):
        lines[number] |= {key: "["}
        lines[number + len(keys) + 1] |= {key: "{"}
    nested = {b'"["': b"[" * levels + b"]" * levels, b'"{"': b'{"a":' * levels + b"1" + b"}" * levels}
    written = [json.dumps(line).encode() + b"\n" for line in lines]
    for sign, content in nested.items():
        written = [line.replace(sign, content) for line in written]
    edge.write(tmp_path, written)
    edge.take(store)
    taken, refused = edge.taken(store), edge.refused(store)
    assert {len(keys), 2 * len(keys) + 1, 2 * len(keys) + 2, 2 * len(keys) + 3} <= taken.keys()
    assert len(taken) + len(refused) == len(lines)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_sign_at_which_some_readers_end_a_line_is_a_part_of_it(edge: Edge, tmp_path):
    store = edge.store(tmp_path)
    noise = "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven\x1deight"
    line = json.dumps(edge.good(0) | {"noise": noise}, ensure_ascii=False).encode() + b"\n"
    edge.write(tmp_path, [line, edge.good(1)])
    edge.take(store)
    assert (set(edge.taken(store)), edge.refused(store)) == ({0, 1}, {})


@pytest.mark.parametrize("edge", [edge for edge in EDGES if "person" in edge.fields], ids=lambda edge: edge.name)
@pytest.mark.parametrize("cut", [None, -1], ids=["refused", "unreadable"])
def test_refused_line_is_kept_without_its_person(edge: Edge, cut, tmp_path):
    store, key = edge.store(tmp_path), edge.fields["person"][0]
    record = changed(edge.good(1), key, "ada.l") | {"comment": "ask bob@example.org", edge.fields["time"][0]: "soon"}
    edge.write(tmp_path, [edge.good(0), json.dumps(record).encode()[:cut] + b"\n", edge.good(2)])
    edge.take(store)
    (row,) = store.read("quarantine").to_pylist()
    kept = f"{row['raw']} {row['reason']}"
    assert ("ada.l" in kept, "bob@" in kept, edge.person(store, "ada.l") in kept) == (False, False, True)
