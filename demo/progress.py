"""What the demo prints: task by task while it works, and a table at its end."""

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.airflow_client import AirflowClient
from include.stages.reports.loop_history import CycleSummary

MARKS = {"success": "done", "skipped": "skipped", "failed": "FAILED", "upstream_failed": "not run"}


@dataclass
class Progress:
    """Print each task instance once it has ended, with what it found.

    Parameters
    ----------
    client
        Airflow's API.
    dag_ids
        The DAGs of the loop.
    """

    client: AirflowClient
    dag_ids: Sequence[str]
    failed: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    _seen: set[tuple[str, str, str, int]] = field(default_factory=set)
    _started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print a line with the seconds since the start."""
        print(f"{time.monotonic() - self._started:5.0f} s  {text}", flush=True)

    def look(self) -> bool:
        """Print what is new, and tell whether a run is queued or running."""
        busy = False
        for run in self._recent():
            busy = busy or run["state"] in {"queued", "running"}
            self._tasks(run)
        return busy

    def _recent(self) -> list[dict[str, Any]]:
        runs = self.client.get("/dags/~/dagRuns", order_by="-run_after", limit=100)["dag_runs"]
        return [run for run in runs if run["dag_id"] in self.dag_ids]

    def _tasks(self, run: dict[str, Any]) -> None:
        key = (run["dag_id"], run["dag_run_id"], "whole run", -1)
        if key in self._seen:
            return
        for task in self.client.task_instances(run["dag_id"], run["dag_run_id"]):
            self._task(run, task)
        if run["state"] in {"success", "failed"}:
            self._seen.add(key)

    def _task(self, run: dict[str, Any], task: dict[str, Any]) -> None:
        key = (run["dag_id"], run["dag_run_id"], task["task_id"], task["map_index"])
        if key in self._seen or task["state"] not in MARKS:
            return
        self._seen.add(key)
        if task["state"] in {"failed", "upstream_failed"}:
            self.failed.append((*key, task["try_number"]))
        found = self._found(key) if task["state"] == "success" else ""
        if task["state"] != "skipped":
            self.say(f"{run['dag_id']:<17} {task['task_id']:<20} {MARKS[task['state']]:<8} {found}")

    def _found(self, key: tuple[str, str, str, int]) -> str:
        found = self.client.xcom(*key)
        if not isinstance(found, dict):
            return ""
        if "outcome" in found:
            return f"{found['kind']}: {found['outcome'].replace('_', ' ')}"
        numbers = {**found.get("logs", {}), **found}
        shown = {
            name: value for name, value in numbers.items() if isinstance(value, int) and not isinstance(value, bool)
        }
        version = f"version {found['version']}" if found.get("version") else ""
        return version or ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown.items())


def table(summaries: Sequence[CycleSummary]) -> str:
    """Return the cycles as a table with the reasons below it."""
    header = ("cycle", "rows", "quarantined", "drift", "asked/received/accepted", "challenger", "gate", "champion",
              "weighted accuracy (95 %)", "labels so far")  # fmt: skip
    rows = [header, *(_row(summary) for summary in summaries)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    reasons = [
        textwrap.fill(f"cycle {summary.number}: {summary.why}", 118, subsequent_indent="         ")
        for summary in summaries
    ]
    return "\n".join([*lines, "", *reasons])


def _row(summary: CycleSummary) -> tuple[str, ...]:
    score = summary.live_score
    shown = "unknown" if score.value is None else f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"
    return (
        str(summary.number),
        str(summary.pulled),
        str(summary.quarantined),
        summary.drift,
        f"{summary.asked}/{summary.received}/{summary.accepted}",
        (summary.challenger or "none")[:8],
        (summary.verdict or "none").replace("_", " "),
        f"version {summary.champion}" if summary.champion else "none",
        shown,
        str(summary.labels_spent),
    )
