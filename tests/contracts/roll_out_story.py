"""The end of the story: a challenger is asked about live requests, then served to ever more callers; the next is stopped."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from gateway.canary_holder import CanaryHolder
from gateway.challenger_holder import ChallengerHolder
from gateway.champion_holder import ChampionHolder
from gateway.model_copies import ModelCopies
from gateway.model_source import ModelSource
from include.foundation.decisions import (
    Approval,
    Evaluation,
    GateVerdict,
    GuardVerdict,
    RegisteredVersion,
    latest,
    record,
)
from include.foundation.errors import NothingToDo
from include.foundation.models.judged_models import challenger_model
from include.foundation.store.ledgers.deployments import canary, live
from include.foundation.store.rows import rows_of
from include.stages.deployment.canaries import advance_canary, roll_out
from include.stages.deployment.watching import rollback
from include.stages.evaluation.live_requests import live_comparison
from include.stages.gate.approval import record_approval
from include.stages.gate.judging import judge
from include.stages.labels.datasets import Dataset
from include.stages.logs.shadow.shadow_lines import pull_shadow
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import fit
from tests.builders import KEY, day, write_lines
from tests.contracts.crash_story import WORDS, World
from tests.decision_builders import make_evaluation, make_guard_verdict, make_plan
from tests.include.stages.training.challenger_builders import label_row, log_fitted, say_gate


class Served(NamedTuple):
    """The version that is live, the one that is served to a share of the callers, and the one that is asked as well."""

    live: str | None
    canary: tuple[str, float] | None
    challenger: str | None


def in_ledger(world: World) -> Served:
    """Return what is served as the tables say it."""
    store, deployment, running, gate = world.store, live(world.store), canary(world.store), world.made(GateVerdict)
    pending = latest(store, RegisteredVersion, gate.subject) if gate.is_pending else None
    return Served(
        deployment.model_version if deployment else None,
        (running.first.model_version, running.share) if running else None,
        pending.version if pending else None,
    )


def by_gateway(world: World, copies: Path) -> Served:
    """Return what is served by a gateway that starts now, beside the copies of models that an earlier one left."""

    def source(kind: str) -> ModelSource:
        return ModelSource(world.store, world.registry, ModelCopies(copies / kind, world.store.loop))

    champion = ChampionHolder(source("live"))
    share = CanaryHolder(source("canary"), lambda _: None)
    challenger = ChallengerHolder(source("shadow"), lambda _: None)
    for holder in (champion, share, challenger):
        holder.look()
        assert holder.problem is None
    return Served(
        champion.current.version if champion.current else None,
        (share.current.scorer.version, share.current.share) if share.current else None,
        challenger.current.version if challenger.current else None,
    )


def _fitted(world: World) -> Any:
    labels = [label_row(number, label=name) for number, name in enumerate(4 * list(WORDS))]
    rows = rows_of(world.store.loop, "labels", labels)
    return fit(world.store, Dataset("digest", 0, rows, rows.slice(0, 0)))


def _register(world: World, key: str, outcome: str) -> None:
    """Register a model of which labels say this; not a stage of its own."""
    store, registry, served = world.store, world.registry, live(world.store)
    run_id = log_fitted(registry, store, key, _fitted(world))
    version = registry.register(run_id, {})
    record(store, RegisteredVersion(subject=key, outcome="registered", reasons=(), version=version, run_id=run_id))
    champion = served.model_version if served else None
    told = {"champion_version": champion, "run_id": run_id, "files_digest": registry.files_digest(run_id=run_id)}
    evaluation = record(store, make_evaluation(key, **told))
    record(store, make_plan(key))
    say_gate(store, key, outcome, evaluation=evaluation.evidence_digest, **told)


def leave_pending(world: World) -> None:
    """Register a version that waits for live requests, and log what it says of those that were served."""
    _register(world, "third", "await_live")
    store, evaluation = world.store, world.made(Evaluation)
    served = store.read("predictions", filters=[("model_version", "=", evaluation.champion_version)])
    model = challenger_model(store, world.registry, evaluation.subject, evaluation.run_id)
    version = latest(store, RegisteredVersion).version
    lines = [
        {"trace_id": row["trace_id"], "ts": row["ts"].isoformat(), "model_version": version, "prediction": said}
        for row, said in zip(served.to_pylist(), model.predict(served)[0].tolist(), strict=True)
    ]
    write_lines(world.folder, lines, "../shadow/said.jsonl")


def _promoted(world: World) -> tuple[GateVerdict, Approval]:
    gate = world.made(GateVerdict)
    return gate, record_approval(world.store, gate.reference, approved=True, by="policy")


def _says(outcome: str) -> Callable[[World], None]:
    """Return what has the guard say something of the canary that runs."""

    def _record(world: World) -> None:
        running = canary(world.store)
        assert running is not None
        first = running.first
        record(
            world.store,
            make_guard_verdict(first.model_version, outcome, deployment=first.evidence_digest, share=running.share),
        )

    return _record


def _begin_next(world: World) -> None:
    _register(world, "fourth", "promote")
    roll_out(world.store, world.registry, *_promoted(world))
    _says("broken")(world)


def _judge(world: World) -> None:
    evaluation = world.made(Evaluation)
    judge(world.store, evaluation, live_comparison(world.store, lambda: world.registry, evaluation))


def _advance(world: World) -> None:
    with suppress(NothingToDo):  # the step was taken before the crash
        advance_canary(world.store, world.registry, world.made(GuardVerdict))


STAGES: dict[str, Callable[[World], Any]] = {
    "pull shadow": lambda world: pull_shadow(world.store, day(), KEY),
    "decide on live": lambda world: decide_retrain(world.store),
    "gate on live": _judge,
    "begin canary": lambda world: roll_out(world.store, world.registry, *_promoted(world)),
    "advance canary": _advance,
    "complete canary": _advance,
    "stop canary": lambda world: rollback(world.store, world.registry, world.made(GuardVerdict)),
}
BEFORE = {
    "pull shadow": leave_pending,
    "advance canary": _says("advance"),
    "complete canary": _says("advance"),
    "stop canary": _begin_next,
}
STRATEGY = {stage: "canary" if "canary" in stage else "shadow" for stage in STAGES}
SERVED = {
    "pull shadow": Served("1", None, "3"),
    "decide on live": Served("1", None, "3"),
    "gate on live": Served("1", None, None),
    "begin canary": Served("1", ("3", 0.1), None),
    "advance canary": Served("1", ("3", 0.5), None),
    "complete canary": Served("3", None, None),
    "stop canary": Served("3", None, None),
}
