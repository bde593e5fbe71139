import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from include.foundation.pages.rendering import inline, markdown, render
from tests.conftest import ROOT

TEMPLATES = sorted((ROOT / "include").rglob("templates/*"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<script>", "&lt;script&gt;", id="markup"),
        pytest.param("a | b", "a \\| b", id="table cell"),
        pytest.param("[x](javascript:y)", "\\[x\\](javascript:y)", id="link"),
        pytest.param("one\n# two", "one # two", id="line break"),
        pytest.param("`code` *bold*", "\\`code\\` \\*bold\\*", id="emphasis"),
    ],
)
def test_markdown_of_text_with_syntax_is_literal(text: str, expected: str) -> None:
    assert markdown(text) == expected


def test_render_without_a_fact_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render(ROOT / "include/stages/reports/templates", "index.html", {})


def test_inline_without_a_picture_is_none() -> None:
    assert inline(None) is None


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_never_switch_escaping_off(path: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape|Markup", path.read_text())
