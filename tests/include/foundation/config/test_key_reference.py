from typing import Any

from include.__main__ import main
from include.foundation.config.key_reference import reference_page
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Section
from tests.conftest import ROOT


def sections(model, place=""):
    """Yield every key of every section by its path, read from the models themselves."""
    for name, field in model.model_fields.items():
        yield f"{place}{name}"
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, Section):
                origin: Any = getattr(field.annotation, "__origin__", None)
                suffix = {list: "[]", dict: ".<name>"}.get(origin, "")
                yield from sections(inner, f"{place}{name}{suffix}.")


def described(page):
    """Return every key that the page has a row for, by its path."""
    keys, place = set(), ""
    for line in page.splitlines():
        if line.startswith("## "):
            place = "" if line == "## The loop" else line[4:-1] + "."
        elif line.startswith("| `"):
            keys.add(place + line.split("`")[1])
    return keys


def test_page_is_fresh():
    assert (ROOT / "docs" / "loop-file.md").read_text() == reference_page(), "run `make loop-file-docs`"


def test_command_prints_the_page(capsys):
    assert main(["reference"]) == 0
    assert capsys.readouterr().out == reference_page()


def test_every_key_has_a_row_and_a_meaning():
    page = reference_page()
    assert described(page) == set(sections(Loop))
    assert [line for line in page.splitlines() if line.startswith("| `") and line.rstrip("| ").count(" | ") < 4] == []


def test_a_row_shows_type_default_and_bounds():
    page = reference_page()
    assert "| `false_alarm_rate` | number | `0.05` | (0, 1) |" in page
    assert "| `history_days` | integer or none | none | [30, 36500] |" in page
    assert "| `min_rows` | integer | `50` | at least 1 |" in page
    assert "| `classes` | list of string | *required* | elements at least 2; length at least 1 |" in page


def test_a_bar_in_a_text_does_not_end_the_cell(monkeypatch):
    schema = {"properties": {"mode": {"type": "string", "pattern": "^(a|b)$", "description": "A or b."}}, "$defs": {}}
    monkeypatch.setattr(Loop, "model_json_schema", lambda: schema)
    assert r"| `mode` | string | empty | matches `^(a\|b)$` | A or b. |" in reference_page()
