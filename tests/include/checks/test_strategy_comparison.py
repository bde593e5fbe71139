"""Strategies are compared on a loop's own labels, judged by rows that were drawn, and too little history is said to be."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from include.__main__ import main
from include.checks.replayed_strategies import RANDOM, STRATEGIES, Strategy, history_of, replayed
from include.checks.strategy_comparison import compare_strategies
from include.foundation.errors import NothingToDo
from include.foundation.statistics.estimates import weighted_mean
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.dataset_publishing import publish_dataset
from tests.builders import make_tiny_loop
from tests.include.stages.selection.selection_builders import DAY, say

MARGIN = Strategy("margin", "none")
CLASSES = [str(number) for number in range(10)]


def digits_store(folder, train: int, judges: int, stratum: str = "certainty") -> LoopStore:
    """Return a store whose labels are of handwritten digits: some to train on, and drawn ones with two probabilities."""
    from sklearn.datasets import load_digits

    pixels, kinds = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(kinds))
    inputs: dict[str, Any] = {"pixels": {"type": "vector", "size": 64}}
    loop = make_tiny_loop(CLASSES, inputs=inputs, training={"factory": "include.factories:vector_classifier"})
    store = LoopStore(loop, str(folder / "store"))
    labels, draws = [], []
    for place, number in enumerate(order[: train + judges].tolist()):
        is_drawn, chance = place >= train, [0.1, 0.5][place % 2]
        common = {"trace_id": f"t{number}", "ts": DAY + timedelta(minutes=place), "content_key": f"c{number}"}
        own = {"stratum": "random" if is_drawn else stratum, "inclusion_probability": chance if is_drawn else 1.0}
        draws += [
            common | own | {"batch_id": "b", "model_version": "1", "predicted": "0", "asked_trace_id": f"t{number}",
                            "drawn_at": DAY}
        ] if is_drawn else []  # fmt: skip
        labels.append(common | own | {
            "label_id": f"l{number}", "request_id": f"r{number}", "label": str(kinds[number]), "decided_by": "majority",
            "origin": "fresh", "split": "holdout" if is_drawn else "train", "near_key": f"n{number}", "decided_at": DAY,
            "input_pixels": (pixels[number] / 16).tolist(), "hidden_prelabel": True,
        })  # fmt: skip
    store.append_new("labels", rows_of(loop, "labels", labels))
    store.append_new("draws", rows_of(loop, "draws", draws))
    publish_dataset(store)
    return store


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> LoopStore:
    return digits_store(tmp_path_factory.mktemp("digits"), 900, 400)


def test_strategy_that_teaches_more_is_shown_to(digits):
    """Margin sampling saves labels of digits (`benchmarks.label_efficiency`); random gains nothing on itself."""
    compared = compare_strategies(digits, 5, (RANDOM, MARGIN))
    random, margin = compared.lines
    say(compared.report())
    assert (random.gain.value, margin.gain.low > 0) == (0.0, True)
    assert [line.accuracy[0].value for line in compared.lines] == [random.accuracy[0].value] * 2
    assert margin.accuracy[-1].value > random.accuracy[-1].value > random.accuracy[0].value
    report = compared.report()
    assert "Shown to teach more than rows at random: margin, none." in report
    assert "100% of the labels were chosen when they were asked for" in report


def test_accuracy_is_of_rows_as_they_were_served(digits):
    history = history_of(digits)
    assert (history.pool.num_rows, history.judges.num_rows) == (900, 400)
    (line,) = compare_strategies(digits, 2, (RANDOM,)).lines
    right = replayed(history, RANDOM, 2)[:, -1].mean(axis=0)
    weights = 1 / np.array(history.judges.column("inclusion_probability").to_pylist())
    assert line.accuracy[-1].value == pytest.approx(float(weights @ right / weights.sum()))
    assert line.accuracy[-1].value != pytest.approx(weighted_mean(right, np.ones(400)).value)


def test_replay_is_the_same_again_and_buys_what_is_offered_once(digits):
    history = history_of(digits)
    sizes = history.sizes
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == int(900 * 0.8 * 0.6)
    first, again = (replayed(history, MARGIN, 1, seed=3) for _ in range(2))
    assert first.shape == (1, len(sizes), 400)
    assert (first == again).all()


def test_every_score_is_compared_with_every_diversifier():
    assert {strategy.name for strategy in STRATEGIES} == {"random"} | {
        f"{score}, {diversify}"
        for score in ("margin", "least_confidence", "entropy") for diversify in ("clusters", "none")
    }  # fmt: skip


@pytest.mark.parametrize(("train", "judges"), [(59, 100), (100, 29)])
def test_too_little_history_is_said_to_be(tmp_path, train, judges):
    with pytest.raises(NothingToDo, match="too little history"):
        history_of(digits_store(tmp_path, train, judges))


def test_loop_without_a_dataset_has_nothing_to_compare(tmp_path):
    with pytest.raises(NothingToDo, match="no dataset was published"):
        history_of(LoopStore(make_tiny_loop(CLASSES), str(tmp_path)))


def test_labels_that_were_not_chosen_leave_nothing_to_warn_of(tmp_path):
    compared = compare_strategies(digits_store(tmp_path, 80, 40, stratum="seed"), 1, (RANDOM, MARGIN))
    assert "were chosen when they were asked for" not in compared.report()
    assert "margin, clusters *" not in compared.report()


def test_command_prints_the_table(tmp_path, monkeypatch, capsys):
    store = digits_store(tmp_path, 80, 40)
    monkeypatch.setattr("include.__main__.loop_named", lambda name: {"tiny": store.loop}[name])
    monkeypatch.setattr("include.checks.strategy_comparison.compare_strategies.__defaults__", (2, (RANDOM, MARGIN)))
    uri = store.uri.removesuffix("/tiny")
    assert main(["strategies", "tiny", "--store", uri, "--repetitions", "2"]) == 0
    printed = capsys.readouterr().out
    assert "tiny: 80 labels to buy from, 40 rows drawn at random judge, 2 repetitions" in printed
