"""The tasks of one cycle of a loop, in the order in which the DAGs run them, each in a fork."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any
from unittest.mock import patch

from benchmarks.workloads.forked import Used, in_a_fork
from benchmarks.workloads.soak_loop import SoakLoop
from include.foundation.decisions import GateVerdict, GuardVerdict, RetrainPlan, latest, referenced
from include.foundation.errors import NothingToDo
from include.foundation.lines.sources import Access
from include.foundation.models.judged_models import challenger_model, live_model, logged_model
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.ledgers.deployments import live
from include.foundation.store.maintenance import maintain_store
from include.foundation.store.tables import LoopStore
from include.stages.deployment import store_checks
from include.stages.deployment.comparing_days import COMPARED, compare_days
from include.stages.deployment.deploying import deploy
from include.stages.deployment.watching import watch_deployment
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days
from include.stages.evaluation.comparing import evaluate
from include.stages.evaluation.registering import register_challenger
from include.stages.gate.approval import record_approval
from include.stages.gate.evidence_rounds import request_evidence
from include.stages.gate.judging import judge
from include.stages.labeling.collecting import collect_annotations, progress
from include.stages.labeling.files_backend import FilesBackend
from include.stages.labeling.pushing import open_requests, push_requests
from include.stages.labels.dataset_publishing import publish_in_attempt
from include.stages.labels.datasets import read_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.labels.seeds import admit_seed_labels
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pull import Pull
from include.stages.logs.pulling import plan_pull, planned, pull_partition, report, write_plan
from include.stages.reports.kept_pages import write_index
from include.stages.reports.release_notes import write_release_notes
from include.stages.selection.selecting import select_samples
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import train_challenger

KEY = b"a key for pseudonyms, 32 bytes.."


class Cycle:
    """The tasks of one interval, each a method that a task of a DAG stands for.

    Parameters
    ----------
    soak
        The loop.
    number
        Of the interval, counted from 0.
    """

    def __init__(self, soak: SoakLoop, number: int) -> None:
        self.soak, self.interval = soak, soak.interval(number)

    @property
    def store(self) -> LoopStore:
        """The store, opened as a task opens it."""
        return LoopStore(self.soak.loop, str(self.soak.folder / "store"))

    @property
    def registry(self) -> ModelRegistry:
        """MLflow without a server."""
        return ModelRegistry(f"sqlite:///{self.soak.folder / 'mlflow.db'}", self.soak.loop)

    def plan_pull(self, _: Any = None) -> list[str]:  # noqa: D102 - named as the tasks they stand for, from here on
        pull = Pull("logs", self.store, self.interval, KEY, Access({}))
        return write_plan(pull, plan_pull(pull).partitions)

    def pull_logs(self, keys: Sequence[str]) -> None:  # noqa: D102
        for key in keys:
            store = self.store
            pull_partition(Pull("logs", store, self.interval, KEY, Access({})), planned(store, key))

    def pull_feedback(self, _: Any = None) -> None:  # noqa: D102
        pull_feedback(self.store, self.interval, KEY, Access({}))

    def validate_logs(self, _: Any = None) -> None:  # noqa: D102
        store = self.store
        report(store, self.interval)
        validate_logs(store, self.interval)

    def detect_drift(self, _: Any = None) -> None:  # noqa: D102
        store, window = self.store, self.interval.whole_days
        profile_days(store, window)
        detect_drift(store, window, lambda version: logged_model(store, self.registry, version))

    def select_samples(self, _: Any = None) -> None:  # noqa: D102
        select_samples(self.store, self.interval)

    def push_to_labeling(self, _: Any = None) -> None:  # noqa: D102
        store, backend = self.store, FilesBackend(self.soak.loop)
        push_requests(store, backend)
        open_requests(store)

    def collect_annotations(self, _: Any = None) -> None:  # noqa: D102
        store, backend = self.store, FilesBackend(self.soak.loop)
        progress(store, backend, KEY)
        collect_annotations(store, backend, KEY)

    def validate_labels(self, _: Any = None) -> None:  # noqa: D102
        store = self.store
        admit_seed_labels(store)
        validate_labels(store)

    def publish_dataset(self, _: Any = None) -> None:  # noqa: D102
        publish_in_attempt(self.store, 1)

    def decide_retrain(self, _: Any = None) -> dict[str, str] | None:  # noqa: D102
        plan = decide_retrain(self.store)
        return plan.reference if plan.outcome != "no" else None

    def retrain(self, reference: Mapping[str, str]) -> dict[str, str]:
        """Train what was planned."""
        store, registry = self.store, self.registry
        return {"run_id": train_challenger(store, referenced(store, RetrainPlan, reference), registry).run_id}

    def judge(self, given: tuple[Mapping[str, str], str]) -> dict[str, str]:
        """Evaluate, register and judge the challenger; deploy it, or ask for the labels that decide."""
        store, registry, (reference, run_id) = self.store, self.registry, given
        name = referenced(store, RetrainPlan, reference).evaluation_dataset
        challenger = challenger_model(store, registry, reference["subject"], run_id)
        measured = evaluate(store, read_dataset(store, name), name, live_model(store, registry), challenger)
        register_challenger(store, registry, measured)
        verdict = judge(store, measured)
        if verdict.outcome == "promote":
            deploy(store, registry, verdict, record_approval(store, verdict.reference, approved=True, by="policy"))
        elif verdict.outcome == "label_more":
            request_evidence(store, verdict, live_model(store, registry), challenger)
        return verdict.reference

    def release_notes(self, reference: Mapping[str, str]) -> str:
        """Write the release notes, and return the version that is live."""
        store = self.store
        write_release_notes(store, referenced(store, GateVerdict, reference), self.registry)
        deployed = live(store)
        return deployed.model_version if deployed else "0"

    def maintain_store(self, _: Any = None) -> None:  # noqa: D102
        maintain_store(self.store)

    def check_store(self, _: Any = None) -> None:  # noqa: D102
        with patch.object(store_checks, "MOST_OFTEN", timedelta(0)):
            store_checks.check_daily(self.store, self.registry)

    def watch_deployment(self, _: Any = None) -> None:  # noqa: D102
        watch_deployment(self.store)
        write_index(self.store)

    def request_comparison(self, _: Any = None) -> None:
        """Compare the champion with its predecessor; the next interval pushes what is asked."""
        verdict = latest(self.store, GuardVerdict)
        if verdict is not None and verdict.outcome in COMPARED:
            with suppress(NothingToDo):
                compare_days(self.store, self.registry, verdict)


EACH_INTERVAL = (
    "pull_feedback", "validate_logs", "detect_drift", "select_samples", "push_to_labeling", "collect_annotations",
    "validate_labels", "publish_dataset", "watch_deployment", "request_comparison",
)  # fmt: skip
ONCE_A_DAY = ("check_store", "maintain_store")  # however often `guard` runs


# What the tasks import only when they run.
for _name in (
    "deltalake.fs", "great_expectations.render", "matplotlib.pyplot", "mlflow.models", "mlflow.sklearn",
    "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store", "pyarrow.acero",
    "pyarrow.dataset", "pyarrow.pandas_compat", "skops.io",
):  # fmt: skip
    import_module(_name)


def play(soak: SoakLoop, number: int, *, sampled: bool = False) -> dict[str, Used]:
    """Play one interval, each task in a fork, and return what each used, by name.

    Parameters
    ----------
    soak
        The loop.
    number
        Of the interval, counted from 0.
    sampled
        Whether to run what a loop does once a day in any case; else it runs in the first interval of each day.
    """
    cycle, used = Cycle(soak, number), {}

    def run(name: str, given: Any = None) -> Any:
        used[name] = in_a_fork(partial(getattr(cycle, name), given))
        return used[name].result

    soak.serve(number)
    run("pull_logs", run("plan_pull"))
    for name in EACH_INTERVAL:
        run(name)
        if name == "push_to_labeling":
            soak.answer(number)
    plan = run("decide_retrain")
    if plan is not None:
        trained = run("retrain", plan)
        verdict = run("judge", [plan, trained["run_id"]])
        soak.version = run("release_notes", verdict)
    if sampled or cycle.interval.start.hour == 0:
        for name in ONCE_A_DAY:
            run(name)
    return used
