"""The store of a loop that has run for a year, made without running it: what its pages read, as large as a year makes it."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict, GateVerdict, GuardVerdict, RetrainPlan, record
from include.foundation.decisions.challenger_evaluation import Scores
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.reports.kept_pages import write_index

CLASSES = ("crude", "grain", "ship")
PEOPLE = ("ada", "ben", "cleo")
ASKED, SHOWN_DAYS = 100, 62  # requests a day; days that the pages count rows of
SCORE = Estimate(0.8, 0.75, 0.85, 200, 200.0)


def write_loops(folder: Path, loops: int, days: int, rows: int) -> list[str]:
    """Write loop files and their stores, all with the same history, as their tasks leave them, and return the loops' names.

    Parameters
    ----------
    folder
        Gets ``loops`` and ``store``.
    loops
        How many.
    days
        That each has run, until today.
    rows
        Logged on each of the newest days.
    """
    names = [f"loop{number:02d}" for number in range(loops)]
    (folder / "loops").mkdir()
    for name in names:
        (folder / "loops" / f"{name}.yaml").write_text(yaml.safe_dump(_loop_file(folder, name)))
    store = LoopStore(Loop.model_validate(_loop_file(folder, names[0])), str(folder / "store"))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    _decide(store, midnight, days)
    for number in range(days):
        _ask(store, midnight - timedelta(days=days - number), number)
    for number in range(min(days, SHOWN_DAYS)):
        _log(store, midnight - timedelta(days=number + 1), rows)
    for name in names[1:]:
        shutil.copytree(folder / "store" / names[0], folder / "store" / name, copy_function=os.link)
    for name in names:
        write_index(LoopStore(Loop.model_validate(_loop_file(folder, name)), str(folder / "store")))
    return names


def _loop_file(folder: Path, name: str) -> dict[str, Any]:
    return {
        "name": name, "owner": "desk", "description": "Route stories.", "inputs": {"text": {"type": "text"}},
        "task": {"kind": "classification", "classes": list(CLASSES)}, "logs": {"uri": str(folder / "logs" / name)},
        "training": {"factory": "include.factories:text_classifier"},
        "labeling": {"backend": "files", "uri": str(folder / "labeling" / name), "price_per_minute": 0.5},
    }  # fmt: skip


def _decide(store: LoopStore, midnight: datetime, days: int) -> None:
    """Record a drift verdict and a guard verdict a day, and a challenger a week that takes over each month."""
    for number in range(days):
        interval = Interval(midnight - timedelta(days=days - number), midnight - timedelta(days=days - number - 1))
        said = ("No column drifted.",)
        common = {"route": "none", "flagged": False, "rows": 1_000_000, "reference_days": 28, "columns_judged": 12}
        record(store, DriftVerdict(subject=interval.key, outcome="stable", reasons=said, **common))
        if number % 7 == 0:
            _judge(store, interval, number)
        version = str(number // 28 + 1)
        record(store, GuardVerdict(subject=version, outcome="kept", reasons=(f"Day {number}: kept.",), score=SCORE))


def _judge(store: LoopStore, interval: Interval, number: int) -> None:
    key, promoted = f"challenger{number:04d}", number % 28 == 0
    plan = {"challenger_key": key, "dataset": f"d{number}", "newest_label": interval.start + timedelta(hours=1)}
    record(store, RetrainPlan(subject=key, outcome="train", reasons=("Enough labels.",), **plan))
    scores = Scores(champion=SCORE, challenger=SCORE, difference=UNKNOWN)
    more = {"dataset": f"d{number}", "run_id": f"run{number}", "evaluation": "e" * 64, "round": 1, "k": 0, "slices": ()}
    outcome, champion = "promote" if promoted else "reject", str(number // 28)
    gate = GateVerdict(
        subject=key, outcome=outcome, reasons=("By the evidence.",), scores=scores, champion_version=champion,
        nth=number + 1, **more,
    )  # fmt: skip
    record(store, gate)
    if promoted:
        version = str(number // 28 + 1)
        deployment = Deployment(version, champion, "deploy", "By the evidence.", gate.evidence_digest, None)
        append_deployment(store, deployment)


def _ask(store: LoopStore, day: datetime, number: int) -> None:
    """Ask about a hundred rows of a day, forty of them drawn at random; three people answer, but of the last day nobody."""
    key = Interval(day, day + timedelta(days=1)).key
    names = [f"{number}-{place}" for place in range(ASKED)]
    about = {"tier": 1, "split": "train", "reasons": ["because"], "hidden_prelabel": False, "batch_id": key}
    requests = [
        {
            **about, "request_id": f"r{name}", "trace_id": name, "content_key": name, "asked_at": day, "pushed_at": day,
            "stratum": "random" if place < 40 else "certainty", "inclusion_probability": 0.1,
            "ts": day + timedelta(minutes=place),
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    store.append_new("requests", rows_of(store.loop, "requests", requests))
    if day + timedelta(days=2) > datetime.now(UTC):
        return
    answers = [
        {
            "annotation_id": f"{name}-{person}", "request_id": f"r{name}", "trace_id": name, "annotator": person,
            "label": CLASSES[place % 3], "created_at": day + timedelta(hours=20), "source": "a", "lead_time_seconds": 9.0,
        }
        for place, name in enumerate(names) for person in PEOPLE
    ]  # fmt: skip
    labels = [
        {
            "label_id": f"l{name}", "trace_id": name, "request_id": f"r{name}", "label": CLASSES[place % 3],
            "decided_by": "majority", "origin": "fresh", "split": "holdout" if place < 40 else "train",
            "stratum": "random" if place < 40 else "certainty", "inclusion_probability": 0.1, "content_key": name,
            "predicted": CLASSES[(place % 7 == 0) + place % 3 - 3], "model_version": "1", "ts": day + timedelta(minutes=place),
            "decided_at": day + timedelta(hours=20), "agreement": 1.0,
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    for table, rows in (("annotations", answers), ("labels", labels)):
        store.append_new(table, rows_of(store.loop, table, rows))


def _log(store: LoopStore, day: datetime, rows: int) -> None:
    schema = store.schema("predictions")
    moments = np.datetime64(day.replace(tzinfo=None), "us") + np.arange(rows) * np.timedelta64(
        86_400_000_000 // rows, "us"
    )
    constant = {"day": f"{day:%Y-%m-%d}", "model_version": "1", "predicted": CLASSES[0], "input_text": "a text"}
    columns: dict[str, Any] = {name: pa.repeat(pa.scalar(value), rows) for name, value in constant.items()}
    columns["trace_id"] = pa.array(np.char.add(f"{day:%m%d}-", np.arange(rows).astype(str)))
    columns["ts"] = pa.array(moments).cast(pa.timestamp("us", tz="UTC"))
    arrays = [columns.get(field.name, pa.nulls(rows, field.type)) for field in schema]
    table = pa.table([array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema)
    store.append_new("predictions", table, [("day", "=", constant["day"])])


def connection(folder: Path) -> str:
    """Return the connection ``feedback_store`` to these stores, as an environment variable holds it."""
    return json.dumps({"conn_type": "generic", "extra": {"uri": str(folder / "store")}})
