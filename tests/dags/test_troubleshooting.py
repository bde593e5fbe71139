"""The page on troubleshooting speaks of every task, and of messages that exist."""

import re

from feedback_loop import dag_docs

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
TASKS = PAGE.split("## When a task fails")[1].split("\n## ")[0]
OF_AIRFLOW = {"Process terminated by signal"}
WORDS = {"skipped", "Details"}


def messages(text):
    """Return the messages that a page quotes: what stands between single asterisks in the second column or its prose."""
    return set(re.findall(r"(?<!\*)\*([^*\n|]+)\*(?!\*)", text)) - WORDS - OF_AIRFLOW


def source():
    """Return all texts of the code, with adjoining literals joined and what is filled in as an ellipsis."""
    paths = [path for folder in ("include", "plugins") for path in (ROOT / folder).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    joined = re.sub(r"(?<!\\)\"\s*\n\s*f?\"", "", text)
    return re.sub(r"\{[^{}\n]*\}", "…", joined)


def test_every_task_has_a_row_and_nothing_else_has():
    named = set(re.findall(r"^\| `(\w+)` \|", TASKS, flags=re.MULTILINE))
    assert named == {task.task_id for dag in dag_docs.parsed_dags().values() for task in dag.tasks}


def test_messages_that_are_quoted_exist():
    quoted, code = messages(TASKS), source()
    assert len(quoted) > 25
    missing = {
        message
        for message in quoted
        for part in message.split("…")
        if len(part.strip(" ,:;")) > 5 and part.strip(" ,:;") not in code
    }
    assert missing == set()
