"""How tests run an operator: on a real store, in a context as Airflow gives it, with decisions made in one place each."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import yaml
from airflow.sdk import BaseOperator
from airflow.sdk.execution_time.context import OutletEventAccessor
from airflow.sdk.types import DagRunProtocol, RuntimeTaskInstanceProtocol
from feedback_loop.hooks.loop_store_hook import LoopStoreHook

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict, GuardVerdict, record
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.tables import LoopStore
from tests.builders import KEY, day
from tests.decision_builders import make_drift_verdict, make_guard_verdict

FORGED = {"kind": "gate", "subject": "c", "outcome": "promote", "evidence_digest": "0" * 64}


def with_store(operator: Any, store: LoopStore, registry: ModelRegistry | None = None) -> Any:
    """Give an operator a hook that opens this store, and this registry."""
    operator.hook = Mock(spec=LoopStoreHook, pseudonym_key=KEY)
    operator.hook.get_conn.return_value = store
    if registry is not None:
        operator.registry = registry
    return operator


def context(task: BaseOperator | None = None, **params: Any) -> Any:
    """Return the context of a first attempt on one day, with a trigger form filled in like this."""
    run = Mock(spec=DagRunProtocol, data_interval_start=day().start, data_interval_end=day().end, run_after=day().end)
    ti = Mock(
        spec=RuntimeTaskInstanceProtocol, try_number=1, map_index=-1, dag_id="wire.some", task_id="some",
        run_id="manual__1", log_url="http://airflow/log",
    )  # fmt: skip
    return {"params": params, "dag_run": run, "ti": ti, "task_instance": ti, "task": task, "outlet_events": {}}


def outlet_event() -> Mock:
    return Mock(spec=OutletEventAccessor)


def write_loop_file(folder: Path, loop: Loop, notify: list[dict[str, Any]]) -> None:
    """Write a loop file that notifies; tests point ``FEEDBACK_LOOP_LOOPS_DIR`` at the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = loop.model_dump(mode="json", exclude_unset=True) | {"notify": notify}
    (folder / f"{loop.name}.yaml").write_text(yaml.safe_dump(raw))


def drift_verdict(outcome: str, route: str = "retrain") -> DriftVerdict:
    """Return a verdict on the day of `context` that has no page of its own."""
    return make_drift_verdict(day().key, outcome, route=route, flagged=False)


def guard_verdict(store: LoopStore, version: str, outcome: str) -> GuardVerdict:
    return record(store, make_guard_verdict(version, outcome, reasons=("It scores less.",)))
