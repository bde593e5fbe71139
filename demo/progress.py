"""What the demo prints: each task once it has ended, and a table of the cycles at the end."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.airflow_client import AirflowClient
from include.stages.reports.loop_history import CycleSummary

MARKS = {"success": "done", "skipped": "skipped", "failed": "FAILED", "upstream_failed": "not run"}


@dataclass
class Progress:
    """Print each task instance once it has ended, with its result.

    Parameters
    ----------
    client
        Client of the Airflow that runs the loop.
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
        """Print the task instances that have ended since the last look, and return whether a run is there or about to be."""
        busy = False
        for run in self._recent():
            busy = busy or run["state"] in {"queued", "running"}
            self._tasks(run)
        return busy or any(map(self.client.is_woken, self.dag_ids))

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
        result = self._result(key) if task["state"] == "success" else ""
        if task["state"] != "skipped":
            self.say(f"{run['dag_id']:<17} {task['task_id']:<20} {MARKS[task['state']]:<8} {result}")

    def _result(self, key: tuple[str, str, str, int]) -> str:
        """Return what a task returned, in words: an outcome, a version, or counts."""
        returned = self.client.xcom(*key)
        if not isinstance(returned, dict):
            return ""
        if "outcome" in returned:
            return f"{returned['kind']}: {returned['outcome'].replace('_', ' ')}"
        if returned.get("version"):
            return f"version {returned['version']}"
        values = {**returned.get("logs", {}), **returned}
        counts = {name: value for name, value in values.items() if type(value) is int}
        return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())


def table(summaries: Sequence[CycleSummary]) -> str:
    """Return the cycles as a table."""
    header = ("cycle", "rows", "quarantined", "drift", "asked/received/accepted", "challenger", "gate", "champion",
              "weighted accuracy (95 %)", "labels so far")  # fmt: skip
    rows = [header, *(_row(summary) for summary in summaries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _row(summary: CycleSummary) -> tuple[str, ...]:
    score = summary.live_score
    accuracy = "unknown" if score.value is None else f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"
    return (
        str(summary.number),
        str(summary.pulled),
        str(summary.quarantined),
        summary.drift,
        f"{summary.asked}/{summary.received}/{summary.accepted}",
        (summary.challenger or "none")[:8],
        (summary.verdict or "none").replace("_", " "),
        f"version {summary.champion}" if summary.champion else "none",
        accuracy,
        str(summary.labels_spent),
    )
