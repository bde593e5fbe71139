from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import GuardVerdict, find
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.deployments import Deployment, Promise, append_deployment
from include.foundation.store.ledgers.taxonomies import note_taxonomy
from include.foundation.store.tables import LoopStore
from include.stages.deployment.watching import watch_deployment
from include.stages.labels.dataset_publishing import publish_dataset
from tests.decision_builders import make_scores
from tests.include.stages.training.challenger_builders import (
    CLASSES,
    DAY,
    add_labels,
    add_predictions,
    alternating,
    label_row,
    make_label_store,
    make_text_loop,
    say_gate,
)


def go_live(store: LoopStore, promised_low: float | None = 0.8, version: str = "1", evidence: str = "digest") -> None:
    promised = None if promised_low is None else Promise(promised_low, promised_low, promised_low)
    append_deployment(store, Deployment(version, None, "deploy", "because", evidence, promised))


def answer_live(store: LoopStore, right: list[bool], first: int = 0, day: float = 1, **overrides: Any) -> None:
    """Add labels of random rows that were answered from this day on, five minutes apart."""
    rows = []
    for number, correct in enumerate(right, start=first):
        label = CLASSES[number % 3]
        said = label if correct else CLASSES[(number + 1) % 3]
        ts = DAY + timedelta(days=day, minutes=5 * (number - first))
        rows.append(label_row(number, stratum="random", split="holdout", predicted=said, ts=ts) | overrides)
    add_labels(store, rows)


def rows_seen(decision: GuardVerdict) -> int:
    found: int = decision.score.rows
    return found


def test_watch_deployment_before_any_deployment_says_nothing_live(store: LoopStore) -> None:
    decision = watch_deployment(store)
    assert (decision.kind, decision.outcome) == ("guard", "nothing_live")


@pytest.mark.parametrize(
    ("count", "share", "outcome"),
    [
        pytest.param(200, 0.95, "kept", id="well above the floor"),
        pytest.param(200, 0.5, "below_promise", id="far below the floor"),
        pytest.param(8, 0.75, "inconclusive", id="few labels"),
        pytest.param(200, 0.79, "inconclusive", id="at the floor"),
    ],
)
def test_watch_deployment_of_live_answers_judges_the_promise(
    store: LoopStore, count: int, share: float, outcome: str
) -> None:
    go_live(store)
    answer_live(store, alternating(count, share))
    decision = watch_deployment(store)
    assert decision.outcome == outcome
    assert decision.floor == pytest.approx(0.78)
    assert decision.needed == pytest.approx(20)
    assert (decision.e_value >= 20) == (outcome == "below_promise")


def test_watch_deployment_of_a_promise_below_the_drop_that_is_allowed_has_the_floor_zero(store: LoopStore) -> None:
    go_live(store, promised_low=0.01)
    answer_live(store, [False] * 200)
    decision = watch_deployment(store)
    assert (decision.floor, decision.e_value, decision.outcome) == (0.0, 1.0, "kept")


def test_watch_deployment_that_promised_nothing_is_inconclusive(store: LoopStore) -> None:
    go_live(store, promised_low=None)
    answer_live(store, [False] * 50)
    decision = watch_deployment(store)
    assert (decision.outcome, decision.floor, decision.e_value) == ("inconclusive", None, None)
    assert decision.reasons[1] == f"It scores {decision.score} on random rows of the last 28 days; it promised nothing."


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param({"stratum": "certainty"}, id="chosen for being hard"),
        pytest.param({"stratum": "disagreement"}, id="disagreement"),
        pytest.param({"stratum": "seed", "model_version": None}, id="seed"),
        pytest.param({"model_version": "2"}, id="another version"),
        pytest.param({"ts": DAY - timedelta(days=1)}, id="before it went live"),
        pytest.param({"ts": DAY}, id="the moment it went live"),
    ],
)
def test_watch_deployment_leaves_out_rows_that_say_nothing_about_it(
    store: LoopStore, overrides: dict[str, Any]
) -> None:
    add_predictions(store, [0])
    go_live(store)
    answer_live(store, [False] * 50, first=100, **overrides)
    answer_live(store, [True] * 5)
    assert rows_seen(watch_deployment(store)) == 5


def test_watch_deployment_counts_a_corrected_label_once(store: LoopStore) -> None:
    go_live(store)
    answer_live(store, [True] * 10)
    correction = {"label_id": "new", "supersedes": "l00000", "predicted": "ship", "ts": DAY + timedelta(days=1)}
    add_labels(store, [label_row(0, stratum="random", split="holdout", label="crude") | correction])
    decision = watch_deployment(store)
    assert (rows_seen(decision), decision.score.value) == (10, pytest.approx(0.9))


def test_watch_deployment_weighs_rows_by_what_they_stand_for(store: LoopStore) -> None:
    go_live(store)
    answer_live(store, [True] * 40, inclusion_probability=1.0)
    answer_live(store, [False] * 40, first=100, inclusion_probability=0.25)
    assert watch_deployment(store).score.value == pytest.approx(0.2)


@pytest.mark.parametrize("good_days", [2, 30, 180])
def test_watch_deployment_sees_a_drop_whenever_it_comes(store: LoopStore, good_days: int) -> None:
    go_live(store)
    for day in range(good_days):
        answer_live(store, alternating(10, 0.9), first=100 * day, day=1 + day)
    assert watch_deployment(store).outcome in {"kept", "inconclusive"}
    for day in range(good_days, good_days + 14):
        answer_live(store, alternating(10, 0.5), first=100 * day, day=1 + day)
    assert watch_deployment(store).outcome == "below_promise"


def test_watch_deployment_scores_the_last_four_weeks(store: LoopStore) -> None:
    go_live(store)
    answer_live(store, [False] * 5, day=-10)
    answer_live(store, [True] * 5, first=100, day=-9.5)
    add_predictions(store, [18.2])
    assert (rows_seen(watch_deployment(store)), watch_deployment(store).score.value) == (5, 1.0)


def test_watch_deployment_run_again_records_one_decision(store: LoopStore) -> None:
    go_live(store)
    answer_live(store, [True] * 10)
    assert watch_deployment(store) == watch_deployment(store)
    assert len(find(store, GuardVerdict)) == 1


def test_watch_deployment_of_a_champion_put_back_is_about_its_new_life(store: LoopStore) -> None:
    add_predictions(store, [0])
    go_live(store)
    answer_live(store, [False] * 80)
    add_predictions(store, [5])
    go_live(store, version="2", evidence="later")
    append_deployment(store, Deployment("1", "2", "rollback", "b", "guard", Promise(0.8, 0.8, 0.8)))
    answer_live(store, [True] * 40, first=100, day=6)
    decision = watch_deployment(store)
    assert (decision.subject, rows_seen(decision), decision.outcome) == ("1", 40, "kept")


@pytest.mark.parametrize(
    ("champion", "stratum"), [pytest.param(None, "seed", id="first"), pytest.param("0", "random", id="later")]
)
def test_watch_deployment_under_balanced_accuracy_holds_it_against_the_score_that_was_promised(
    tmp_path: Path, champion: str | None, stratum: str
) -> None:
    """The promise is a mean of scores weighted by class; plain accuracy would always be above it."""
    store = make_label_store(tmp_path, make_text_loop(gate={"score": "balanced_accuracy"}))
    held = ["crude"] * 80 + ["grain"] * 10 + ["ship"] * 10
    of_old = {"split": "holdout", "model_version": "0"}
    add_labels(store, [label_row(number, label=name, stratum=stratum, **of_old) for number, name in enumerate(held)])
    if champion:  # beside one, seed labels do not count
        add_labels(store, [label_row(number, label="ship", stratum="seed", **of_old) for number in range(200, 400)])
    dataset = publish_dataset(store).subject
    # right everywhere: 80 rows of weight 1/8 and 20 of weight 1 give a mean of 0.3
    promise = Estimate(0.3, 0.25, 0.35, 100, 100.0)
    gate = say_gate(
        store, "key", "promote", dataset=dataset, scores=make_scores(challenger=promise), champion_version=champion,
        nth=1 if champion else None,
    )  # fmt: skip
    go_live(store, promised_low=0.25, evidence=gate.evidence_digest)
    live = [
        label_row(
            1000 + n, label=name, predicted="crude", stratum="random", split="holdout", ts=DAY + timedelta(days=1)
        )
        for n, name in enumerate(held * 2)
    ]
    add_labels(store, live)
    decision = watch_deployment(store)
    assert decision.score.value == pytest.approx(0.1)
    assert decision.floor == pytest.approx(0.25 - 0.02 * 0.3)  # what is allowed is a share of a perfect model's score
    assert decision.outcome == "below_promise"


def test_watch_deployment_reads_live_rows_in_todays_classes_and_leaves_out_what_the_version_cannot_know(
    tmp_path: Path,
) -> None:
    store = make_label_store(tmp_path)
    note_taxonomy(store, DAY)
    go_live(store)
    answer_live(store, [True] * 30)
    task = {
        "kind": "classification",
        "classes": ["oil", "grain", "boats"],
        "renamed": {"crude": "oil"},
        "retired": ["ship"],
    }
    changed = make_label_store(tmp_path, make_text_loop(task=task))
    note_taxonomy(changed, DAY + timedelta(days=2))
    answer_live(changed, [False] * 40, first=100, day=2, label="boats")
    verdict = watch_deployment(changed)
    assert (rows_seen(verdict), verdict.score.value) == (20, 1.0)
    assert verdict.outcome != "broken"
