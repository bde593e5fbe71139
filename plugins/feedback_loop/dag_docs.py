"""``python -m feedback_loop.dag_docs``: write ``docs/dags.md``, the page on the four DAGs, from the DAGs themselves."""

import inspect
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from airflow.sdk import DAG

from feedback_loop.assets import STAGES
from include.foundation.config.loading import LOOPS_DIR_VARIABLE, ROOT

PAGE = ROOT / "docs" / "dags.md"
COMMAND = "make dag-docs"
LOOP: dict[str, Any] = {
    "name": "loop",
    "owner": "somebody",
    "description": "Any loop, with the defaults of a loop file.",
    "task": {"kind": "classification", "classes": ["a", "b"]},
    "inputs": {"text": {"type": "text"}},
    "logs": {"uri": "data/loop/logs"},
    "training": {"factory": "include.factories:text_classifier"},
}
INTRODUCTION = f"""# The DAGs of a loop

Made from the DAGs by `{COMMAND}`; do not edit. Each loop file gives four DAGs, joined by assets into a ring. Schedules and
time-outs are the defaults of a loop file (`logs.schedule`, `tasks.timeout_minutes`, `tasks.long_timeout_minutes`). A time-out
counts the time on a worker, not the time that a task waits for people.
"""


def write_page() -> Path:
    """Write the page and return where it is."""
    PAGE.write_text(page(), encoding="utf-8")
    return PAGE


def page() -> str:
    """Return the page as the DAGs are now."""
    dags = parsed_dags()
    return "\n".join([INTRODUCTION, *(_section(dags[f"loop.{stage}"]) for stage in STAGES)])


def parsed_dags() -> dict[str, DAG]:
    """Parse the DAG files for one loop that leaves everything at its default.

    Raises
    ------
    RuntimeError
        If a DAG file cannot be imported.
    """
    before = os.environ.get(LOOPS_DIR_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "loop.yaml").write_text(yaml.safe_dump(LOOP), encoding="utf-8")
        os.environ[LOOPS_DIR_VARIABLE] = folder
        try:
            dags, errors = parsed()
        finally:
            _restore(before)
    if errors:
        msg = f"DAG files cannot be imported: {errors}"
        raise RuntimeError(msg)
    return dags


def parsed() -> tuple[dict[str, DAG], dict[str, str]]:
    """Parse the DAG files and return the DAGs by id, and the import errors by path."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=ROOT / "dags")
    return dict(bag.dags), dict(bag.import_errors)


def _restore(before: str | None) -> None:
    if before is None:
        del os.environ[LOOPS_DIR_VARIABLE]
    else:
        os.environ[LOOPS_DIR_VARIABLE] = before


def _section(dag: DAG) -> str:
    tasks = list(dag.topological_sort())  # type: ignore[no-untyped-call]
    parts = [
        f"## `{_named(dag.dag_id)}`",
        (dag.doc_md or "").strip(),
        f"**Schedule**: {_schedule(dag.timetable)}.",
        _graph(tasks),
        _task_table(tasks),
        "\n".join(f"* `{task.task_id}`: {_about(task)}" for task in tasks),
        _form_table(dag),
    ]
    return "\n\n".join(parts) + "\n"


def _schedule(timetable: Any) -> str:
    """Say when a DAG runs: its cron, its assets, or whichever comes first."""
    cron = getattr(timetable, "expression", None)
    if cron is not None:
        return f"cron `{cron}` (UTC), each run for the data interval it closes"
    condition = timetable.asset_condition
    assets = " or ".join(f"`{_named(asset.name)}`" for asset in getattr(condition, "objects", [condition]))
    return f"an event of {assets}, and cron `{timetable.timetable.expression}` (UTC)"


def _graph(tasks: Iterable[Any]) -> str:
    edges = [f"  {task.task_id} --> {below}" for task in tasks for below in sorted(task.downstream_task_ids)]
    return "\n".join(["```mermaid", "flowchart LR", *edges, "```"])


def _task_table(tasks: Iterable[Any]) -> str:
    heads = ("task", "runs when those before it", "pool", "retries", "time-out", "assets in", "assets out")
    return _table(heads, map(_task_row, tasks))


def _task_row(task: Any) -> tuple[str, ...]:
    return (
        f"`{task.task_id}`{' (mapped)' * task.is_mapped}",
        str(task.trigger_rule.value).replace("_", " "),
        task.pool,
        str(task.retries),
        _hours(task.execution_timeout),
        _assets(task.inlets),
        _assets(task.outlets),
    )


def _form_table(dag: DAG) -> str:
    """Return what a person may set when triggering a run by hand."""
    rows = []
    for name in dag.params:
        param = dag.params.get_param(name)
        kinds = param.schema.get("type", "")
        kind = " or ".join(each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null")
        default = "empty" if param.value is None else str(param.value).lower()
        rows.append((f"`{name}`", param.schema.get("format", kind), default, param.description or ""))
    return _table(("trigger form", "type", "default", "what it does"), rows)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines: Iterator[tuple[str, ...]] = iter([heads, ("---",) * len(heads), *rows])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _about(task: Any) -> str:
    """Return the first paragraph of what documents a task's operator, on one line."""
    kind = task.operator_class if task.is_mapped else type(task)
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()).replace("``", "`")


def _assets(assets: Iterable[Any]) -> str:
    return ", ".join(f"`{_named(asset.name)}`" for asset in assets)


def _hours(timeout: Any) -> str:
    minutes = timeout.total_seconds() / 60
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"


def _named(name: str) -> str:
    """Write ``<loop>`` for the name of the loop that the page is made with."""
    return f"<loop>{name.removeprefix('loop')}"


if __name__ == "__main__":
    write_page()
