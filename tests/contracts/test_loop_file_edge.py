"""The edge of loop files: odd spellings and odd files are taken, or refused with line and key; no other error comes out."""

import codecs
import gzip
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.foundation.config.loading import checked_loops, load_loop
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError
from tests.include.foundation.config.loop_texts import VALID

REFUSED = object()
PLACES: dict[str, tuple[str | int, ...]] = {
    "id": ("labels", "rules", 0, "name"),
    "class": ("task", "classes", 2),
    "text": ("description",),
    "time": ("drift", "reference_dates", 0),
    "number": ("gate", "margin"),
    "whole number": ("selection", "budget"),
    "truth": ("inputs", "text", "required"),
    "person": ("gate", "approvers", 0, "id"),
    "place": ("logs", "uri"),
}


def refused(*spellings: str) -> list[tuple[str, Any]]:
    return [(spelling, REFUSED) for spelling in spellings]


NOTHING = refused("", "~", "null")
NO_SCALARS = refused("[x]", "{x: y}", "!!binary eA==", "*nowhere")
WORDS = [*NOTHING, *NO_SCALARS, *refused("5", "true", "NO", "2026-01-01", '""')]
ODD: dict[str, list[tuple[str, Any]]] = {
    "id": [("oil", "oil"), ("'_a-1'", "_a-1"), *WORDS, *refused("a b", "'5'", "étude", "a" * 64)],
    "class": [
        ("'1'", "1"), ("'NO'", "NO"), ("étude", "étude"), ("two words", "two words"), *WORDS, *refused("earn", "Earn"),
        *refused("' acq'", "x" * 201),
    ],
    "text": [
        ("'a: b'", "a: b"), ("|\n  two\n  lines", "two\nlines\n"), ("'\U0001f600'", "\U0001f600"), ("'5'", "5"), *WORDS,
        *refused('"\\ud800"', '"a\\0"', "x" * 2001),
    ],
    "time": [
        ("2026-01-02", date(2026, 1, 2)), *refused("'2026-01-02'", "2026-02-30", "20260102"),
        *refused("2026-01-02T12:00:00Z", "9999-12-31", "soon"), *NOTHING, *NO_SCALARS, ("true", REFUSED),
    ],
    "number": [
        ("0.05", 0.05), ("0", 0.0), ("1.0e-2", 0.01), *refused("'0.05'", "5%", "-0.1", ".nan"),
        *refused(".inf", "1e400", "9" * 5000, "0,05", "true"), *NOTHING, *NO_SCALARS,
    ],
    "whole number": [
        ("7", 7), ("0", 0), *refused("'7'", "7.5", "030", "0x1F", "0o7"),
        *refused("1:30", "1_000", "-1", "true", "9" * 30), *NOTHING, *NO_SCALARS,
    ],
    "truth": [
        ("true", True), ("false", False), *refused("yes", "NO", "on", "1", "'true'"),
        ("perhaps", REFUSED), *NOTHING, *NO_SCALARS,
    ],
    "person": [("ada", "ada"), ("'7'", "7"), ("'José'", "José"), *WORDS, ("x" * 501, REFUSED)],
    "place": [
        ("data/näive 類", "data/näive 類"), ("s3://bucket/prefix", "s3://bucket/prefix"), *WORDS, ("gs://bucket", REFUSED),
        *refused("s3://", "file:///x", "~/logs", '"a\\0b"', '"\\ud800"'),
    ],
}  # fmt: skip
CASES = [pytest.param(kind, *pair, id=f"{kind}-{n}") for kind, pairs in ODD.items() for n, pair in enumerate(pairs)]


def with_value(path: tuple[str | int, ...], spelling: str) -> str:
    """Return the valid loop file with a value spelled so."""
    raw = yaml.safe_load(VALID)
    raw.setdefault("selection", {})
    parent = raw
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = "PLACE"
    return str(yaml.safe_dump(raw, allow_unicode=True, sort_keys=False)).replace("PLACE", spelling)


def at(loop: Loop, path: tuple[str | int, ...]) -> Any:
    value: Any = loop
    for part in path:
        value = value[part] if isinstance(part, int) or isinstance(value, dict) else getattr(value, part)
    return value


@pytest.mark.parametrize(("kind", "spelling", "meaning"), CASES)
def test_odd_spelling_is_taken_or_refused_with_its_key(kind, spelling, meaning, tmp_path):
    path, file = PLACES[kind], tmp_path / "wire.yaml"
    file.write_text(with_value(path, spelling), encoding="utf-8")
    if meaning is REFUSED:
        with pytest.raises(ConfigError) as caught:
            load_loop(file)
        said = str(caught.value)
        assert "line " in said
        assert ".".join(map(str, path[:2])) in said or "is not YAML" in said
    elif kind == "class":
        assert meaning in load_loop(file).task.classes
    else:
        assert at(load_loop(file), path) == meaning


def saved(raw: bytes) -> dict[str, bytes]:
    return {
        "byte order mark": codecs.BOM_UTF8 + raw,
        "carriage returns": raw.replace(b"\n", b"\r\n"), "no last line end": raw.rstrip(),
        "comments and empty lines": b"# first\n\n" + raw + b"\n\n# last", "start of a document": b"---\n" + raw + b"...\n",
    }  # fmt: skip


def damaged(raw: bytes) -> dict[str, bytes]:
    return {
        "empty": b"", "only comments": b"# nothing\n", "half": raw[: raw.index(b"task")], "cut in a line": raw[:-20],
        "Latin-1": raw.replace(b"Route", b"R\xf6ute"), "UTF-16": raw.decode().encode("utf-16"), "gzip": gzip.compress(raw),

        "two documents": raw + b"---\n" + raw,
        "tabs": raw.replace(b"logs: {", b"logs:\t\n\t{"), "list": b"- a\n- b\n", "text": b"wire",

        "number": b"5", "NUL": raw + b"\x00",
        "too large": raw + b"#" * (300 << 10), "deep": b"[" * 100_000,
        "key twice": raw + b"owner: x\n",
    }  # fmt: skip


@pytest.mark.parametrize("way", saved(b""))
def test_file_as_others_save_it_is_the_same_loop(way, tmp_path):
    file = tmp_path / "wire.yaml"
    file.write_text(VALID, encoding="utf-8")
    loop = load_loop(file)
    file.write_bytes(saved(VALID.encode())[way])
    os.utime(file, (1, 1))
    assert load_loop(file).digest == loop.digest


@pytest.mark.parametrize("way", damaged(b"task"))
def test_file_that_is_no_loop_file_is_refused_and_stops_no_other(way, tmp_path, monkeypatch):
    (tmp_path / "other.yaml").write_text(VALID.replace("name: wire", "name: other"), encoding="utf-8")
    (tmp_path / "wire.yaml").write_bytes(damaged(VALID.encode())[way])
    assert_refused_alone(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere"), lambda path: path.symlink_to(path)]
)
def test_what_is_no_file_is_refused_and_stops_no_other(make, tmp_path, monkeypatch):
    (tmp_path / "other.yaml").write_text(VALID.replace("name: wire", "name: other"), encoding="utf-8")
    make(tmp_path / "wire.yaml")
    assert_refused_alone(tmp_path, monkeypatch)


def assert_refused_alone(folder, monkeypatch):
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(folder))
    loops, problems = checked_loops()
    assert [loop.name for loop in loops] == ["other"]
    assert problems
    assert all("wire.yaml" in problem for problem in problems), problems
    with pytest.raises(ConfigError):
        load_loop(folder / "wire.yaml")
