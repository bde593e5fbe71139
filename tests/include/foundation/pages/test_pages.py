import html
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from include.foundation.pages.formats import markdown
from include.foundation.pages.rendering import TEMPLATES as SHARED
from include.foundation.pages.rendering import render
from tests.conftest import ROOT

TEMPLATES = sorted(
    path for part in ("include", "gateway", "observability") for path in (ROOT / part).rglob("templates/*")
)
PAGES = [path for path in TEMPLATES if "<h1" in path.read_text()]
STYLE = (SHARED / "style.css").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<script>", "&lt;script&gt;", id="markup"),
        pytest.param("a | b", "a \\| b", id="table cell"),
        pytest.param("[x](javascript:y)", "\\[x\\](javascript:y)", id="link"),
        pytest.param("one\n# two", "one # two", id="line break"),
        pytest.param("http://evil.example", "http&#58;//evil.example", id="address"),
        pytest.param("WWW.evil.example", "WWW&#46;evil.example", id="address without a scheme"),
        pytest.param("`code` *bold*", "\\`code\\` \\*bold\\*", id="emphasis"),
    ],
)
def test_markdown_of_text_with_syntax_is_literal(text: str, expected: str) -> None:
    assert markdown(text) == expected


def test_render_without_a_fact_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render(ROOT / "include/stages/reports/templates", "index.html", {})


def test_lines_of_a_template_that_only_say_something_to_it_leave_no_trace(tmp_path: Path) -> None:
    (tmp_path / "list.md").write_text(
        "{% for value in values %}\n  {% if value %}\n- {{ value }}\n  {% endif %}\n{% endfor %}\nend\n"
    )
    assert render(tmp_path, "list.md", {"values": ["a", "b"]}) == "- a\n- b\nend\n"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_never_switch_escaping_off(path: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape|Markup", path.read_text())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_take_style_and_policy_from_the_one_base(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('{% extends "base.html" %}')
    assert not re.search(r"<style|style=|<meta|<script|<link", text)


def test_every_page_is_among_those_that_are_checked() -> None:
    assert {path.name for path in PAGES} == {
        "batch.html", "batches.html", "verdict.html", "index.html", "release_notes.html", "loops.html", "run.html",
        "problem.html", "evaluation.html", "disagreements.html", "try_page.html", "look.html",
    }  # fmt: skip


REPORTS = ROOT / "include/stages/reports/templates"
ALLOWED = {
    "default-src": "'none'",
    "img-src": "data:",
    "style-src": "'unsafe-inline'",
    "base-uri": "'none'",
    "form-action": "'none'",
}


@pytest.mark.parametrize(
    ("given", "more"), [({}, {}), ({"nonce": "abc"}, {"script-src": "'nonce-abc'"})], ids=["stored", "of now"]
)
def test_base_allows_nothing_but_its_own_style_and_pictures_and_one_script(
    given: dict[str, str], more: dict[str, str]
) -> None:
    page = html.unescape(render(REPORTS, "problem.html", {"why": "It is gone", **given}))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == ALLOWED | more
    assert page.count("<script") == len(given)


@pytest.mark.parametrize("template", ["page.html", "part.css", "page.md"])
def test_render_escapes_whatever_the_template_is_called(tmp_path: Path, template: str) -> None:
    (tmp_path / template).write_text("{{ value }}")
    (tmp_path / "whole.html").write_text(f'{{% include "{template}" %}}')
    assert "<" not in render(tmp_path, template, {"value": "<b>"})
    assert "<" not in render(tmp_path, "whole.html", {"value": "<b>"})


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_cells_of_tables_that_become_lists_are_named_as_their_columns(path: Path) -> None:
    for table in re.findall(r"<table class=\"[^\"]*stacked.*?</table>", path.read_text(), re.DOTALL):
        columns = re.findall(r'<th scope="col"[^>]*>([^<]*)<', table)
        names = re.findall(r'data-name="([^"]*)"', table)
        assert names == [column for column in columns if column in names]


def luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    coded = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in coded)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_both_backgrounds(mode: int) -> None:
    """WCAG 2.2 AA asks for a contrast of 4.5."""
    colours = {name: both[mode] for name, *both in re.findall(r"--(\w+): light-dark\(#(\w+), #(\w+)\);", STYLE)}
    for text in ("ink", "soft", "good", "bad", "warn"):
        for background in ("back", "wash"):
            dark, light = sorted((luminance(colours[text]), luminance(colours[background])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, background)
