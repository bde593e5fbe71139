"""The pages agree with the project: links, files, modules and commands that they name exist."""

import re
from typing import get_args

import pytest
import yaml

from include.foundation import decisions
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Decision
from tests.conftest import ROOT
from tests.dags.test_layers import FOUNDATION, STAGES

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
OF_THE_CONTRACTS = {"input.text", "segments.country", "probabilities.spam"}
WRITTEN_BY_THE_USER = {"include/loops/mail.yaml", "include/expectations", "include/expectations/mail.json"}


def text_of(page):
    return page.read_text(encoding="utf-8")


def code_of(page):
    """Return the shell blocks and the inline code of a page."""
    text = text_of(page)
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def anchors(page):
    heads = re.findall(r"^#+ (.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text_of(page)):
        if "://" not in target:
            linked = page.parent / target if target else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_modules_that_are_named_exist(page):
    for code in code_of(page):
        for path in re.findall(
            r"(?<![\w./<-])(?:include|gateway|plugins|dags|demo|tests|benchmarks|docs)/[\w./-]*\w", code
        ):
            assert (ROOT / path).exists() or path in WRITTEN_BY_THE_USER, path
        for module in re.findall(r"python -m ((?:include|gateway|demo|benchmarks)[\w.]*\w)", code):
            file = ROOT / module.replace(".", "/")
            assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file(), module
        for module in re.findall(r"^(?:include|feedback_loop|demo)\.[\w.]*\w$", code):
            assert importable(module), module


def importable(name):
    """Tell whether a dotted name is a module or something that a module defines."""
    place, _, last = name.replace("feedback_loop.", "plugins.feedback_loop.").rpartition(".")
    file = (ROOT / place.replace(".", "/")).with_suffix(".py")
    whole = ROOT / place.replace(".", "/") / last
    return whole.is_dir() or whole.with_suffix(".py").is_file() or (file.is_file() and last in text_of(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), flags=re.MULTILINE))
    for code in code_of(page):
        assert set(re.findall(r"(?:^|\n|; )make ([a-z][a-z-]*)", code)) <= targets, code


def test_map_shows_every_stage_and_every_room_of_the_foundation():
    page = text_of(ROOT / "docs" / "architecture.md")
    stages, foundation = page.split("\n| stage |")[1].split("\n| foundation |")
    assert first_cells(stages) == list(STAGES)
    assert sorted(first_cells(foundation.split("\n## ")[0])) == sorted(FOUNDATION)
    assert f"stages/        {' '.join(STAGES)}\n" in text_of(ROOT / "README.md")


def test_map_shows_every_kind_of_decision_with_its_outcomes():
    table = text_of(ROOT / "docs" / "architecture.md").split("\n| class | subject | outcome |")[1].split("\n\n")[0]
    shown = {row[0]: set(row[1:]) for line in table.splitlines() if (row := re.findall(r"`(\w+)`", line))}
    kinds = [kind for kind in vars(decisions).values() if isinstance(kind, type) and issubclass(kind, Decision)]
    outcomes = {kind.__name__: set(get_args(kind.model_fields["outcome"].annotation)) for kind in kinds}
    assert shown == {name: said for name, said in outcomes.items() if name != "Decision"}


def first_cells(table):
    cells = re.findall(r"^\| (`.+?) \|", table, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def yaml_blocks(name):
    return [
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", text_of(ROOT / "docs" / name), flags=re.DOTALL)
    ]


def test_loop_files_that_are_shown_are_valid():
    mail, *sections = yaml_blocks("add-a-loop.md")
    assert Loop.model_validate(mail).name == "mail"
    sections += yaml_blocks("log-sources.md") + yaml_blocks("labeling-vendors.md")
    assert len(sections) > 2
    for section in sections:
        assert Loop.model_validate(mail | section)


def test_keys_that_are_named_exist():
    keys = {f"{section}.{key}" for section, field in Loop.model_fields.items() for key in fields_of(field.annotation)}
    sections = {key.split(".")[0] for key in keys}
    named = {code for page in PAGES for code in code_of(page) if re.fullmatch(r"[a-z]+\.[a-z_]+", code)}
    wrong = {code for code in named if code.split(".")[0] in sections} - keys - OF_THE_CONTRACTS
    assert wrong == set()


def fields_of(section):
    return getattr(section, "model_fields", {})


def test_glossary_tables_are_sorted_and_name_a_word_once():
    glossary = text_of(ROOT / "docs" / "glossary.md")
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, flags=re.MULTILINE)
    assert len(words) > 40
    assert len(words) == len(set(words))
    for table in re.findall(r"(?:^\| \*\*.+\n)+", glossary, flags=re.MULTILINE):
        listed = re.findall(r"^\| \*\*(.+?)\*\* \|", table, flags=re.MULTILINE)
        assert listed == sorted(listed, key=str.lower)
