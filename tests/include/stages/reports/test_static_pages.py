import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.foundation.store.loop_files import write_file
from include.stages.reports.kept_pages import write_index
from include.stages.reports.static_pages import export_pages
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.page_reader import Page

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def exported(played: Played, written: dict[str, Path], tmp_path: Path) -> Path:
    write_index(played.store)
    write_file(played.store, "pulls/plan.json", "no page")
    write_file(played.store, "expectations/2026-03/batch.html", "<h1>batch")
    return export_pages([played.store], tmp_path / "pages", NOW)


def test_pages_are_files_of_which_each_link_leads_to_another(exported: Path) -> None:
    pages = sorted(exported.parent.rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        for link in re.findall(r'href="([^"]*)"', page.read_text()):
            assert (page.parent / link).is_file(), (page, link)


def test_loops_says_of_each_loop_what_the_ui_does_and_that_airflow_was_not_asked(
    exported: Path, played: Played
) -> None:
    text = Page(exported.read_text()).text
    assert played.store.loop.name in text
    assert "Airflow was not asked" in text
    assert "As of 20 November 2026" in text


def test_only_pages_are_copied_and_no_inputs_of_rows_are_linked(exported: Path) -> None:
    names = {path.name for path in exported.parent.rglob("*") if path.is_file()}
    assert "batch.html" in names
    assert "plan.json" not in names
    assert not any("disagreements" in path.read_text() for path in exported.parent.rglob("*.html"))


def test_exporting_again_writes_the_same(exported: Path, played: Played) -> None:
    before = {path: path.read_bytes() for path in exported.parent.rglob("*.html")}
    export_pages([played.store], exported.parent, NOW)
    assert before == {path: path.read_bytes() for path in exported.parent.rglob("*.html")}
