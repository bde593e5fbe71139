from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from include.foundation.statistics.estimates import weighted_mean
from include.foundation.store.ledgers.taxonomies import note_taxonomy
from include.foundation.store.tables import LoopStore
from include.stages.selection.content import content_key
from include.stages.selection.selecting import select_samples
from tests.include.stages.selection.selection_builders import (
    DAY,
    add_rows,
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
    sampling_frame,
    say,
)

SEEDS = range(400)
EVERYTHING = [("ts", ">=", DAY)]
DRAWN = 10


def label_row(number: int, content_key: str) -> dict[str, Any]:
    return {
        "label_id": f"l{number}",
        "trace_id": f"other-{number}",
        "label": "acq",
        "decided_by": "seed",
        "origin": "seed",
        "split": "train",
        "stratum": "seed",
        "inclusion_probability": 1.0,
        "content_key": content_key,
        "ts": DAY,
        "decided_at": DAY,
    }


@pytest.fixture(scope="module")
def repetitive_store(tmp_path_factory):
    """Thirty contents that were logged once, five that were logged eight times each."""
    rows = prediction_rows(30)
    for copied in range(5):
        text = prediction_row(100 + copied)["input_text"]
        rows += [prediction_row(1000 + 8 * copied + copy, input_text=text) for copy in range(8)]
    return make_selection_store(tmp_path_factory.mktemp("repetitive"), rows)


@pytest.fixture(scope="module")
def draws(repetitive_store):
    """The frame of that store by each seed."""
    return [sampling_frame(repetitive_store, EVERYTHING, seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    """A window whose unsure rows are the wrong ones: 70 % of the predictions are right."""
    store = make_selection_store(tmp_path_factory.mktemp("window"), prediction_rows(400))
    return store, {row["trace_id"]: number % 50 < 35 for number, row in enumerate(prediction_rows(400))}


def test_frame_draw_includes_each_content_as_often_as_its_probability_says(draws):
    counts = Counter(key for frame in draws for key in frame.content_keys[:DRAWN])
    contents, probability = draws[0].content_keys, DRAWN / len(draws[0].content_keys)
    low, high = stats.binom.interval(1 - 1e-3 / len(contents), len(SEEDS), probability)
    rates = [counts[key] / len(SEEDS) for key in contents]
    say(f"{len(SEEDS)} draws, stored {probability:.3f}, observed {min(rates):.3f} to {max(rates):.3f}, "
          f"expected within {low / len(SEEDS):.3f} to {high / len(SEEDS):.3f}")  # fmt: skip
    assert len(contents) == 35
    assert all(low <= counts[key] <= high for key in contents)


def test_frame_draw_does_not_prefer_content_that_was_logged_often(repetitive_store, draws):
    often = {content_key(repetitive_store.loop, prediction_row(100 + copied)) for copied in range(5)}
    counts = [len(often.intersection(frame.content_keys[:DRAWN])) for frame in draws]
    mean, error = float(np.mean(counts)), np.std(counts) / np.sqrt(len(SEEDS))
    say(f"{len(SEEDS)} draws of {DRAWN} of 35 contents: {mean:.3f} of the 5 frequent ones, expected {50 / 35:.3f}")
    assert abs(mean - DRAWN * 5 / 35) < 4 * error


def test_frame_represents_content_by_each_of_its_rows_whether_drawn_or_not(repetitive_store, draws):
    often = content_key(repetitive_store.loop, prediction_row(100))
    drawn: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for frame in draws:
        place = frame.content_keys.index(often)
        (drawn if place < DRAWN else left)[frame.rows.column("trace_id")[place].as_py()] += 1
    ids = sorted(drawn | left)
    test = stats.chi2_contingency([[drawn[name] for name in ids], [left[name] for name in ids]])
    say(f"{len(SEEDS)} draws, {len(ids)} rows of one content, drawn and left represented alike: p = {test.pvalue:.3f}")
    assert len(ids) == 8
    assert test.pvalue > 1e-3


def test_frame_draw_estimates_accuracy_without_bias(window):
    store, right = window
    truth, size, drawn = np.mean(list(right.values())), len(right), 40
    estimates = []
    for seed in SEEDS:
        ids = sampling_frame(store, EVERYTHING, seed).rows.column("trace_id").to_pylist()[:drawn]
        estimates.append(weighted_mean([right[name] for name in ids], [drawn / size] * drawn))
    covered = np.mean([estimate.low <= truth <= estimate.high for estimate in estimates])
    values = np.array([estimate.value for estimate in estimates], dtype=np.float64)
    say(f"{len(SEEDS)} draws: truth {truth:.3f}, mean estimate {np.mean(values):.3f}, covered {covered:.3f}")
    assert covered >= 0.93
    assert abs(np.mean(values) - truth) < 4 * np.std(values) / np.sqrt(len(SEEDS))


def test_certainty_stratum_taken_alone_misjudges_accuracy(window):
    store, right = window
    select_samples(store, day_interval(), budget=40)
    chosen = [right[row["trace_id"]] for row in requests_of(store, stratum="certainty")]
    truth = np.mean(list(right.values()))
    say(f"truth {truth:.3f}, naive mean of {len(chosen)} certain rows {np.mean(chosen):.3f}")
    assert np.mean(chosen) < truth - 0.3


def test_random_stratum_is_the_start_of_the_frame_with_its_probability(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    interval = day_interval()
    frame = sampling_frame(store, EVERYTHING, (store.loop.selection.seed, interval.key))
    select_samples(store, interval, budget=10)
    random = requests_of(store, stratum="random")
    assert {row["trace_id"] for row in random} == set(frame.rows.column("trace_id").to_pylist()[:4])
    assert {row["inclusion_probability"] for row in random} == {4 / 30}


def test_frame_does_not_depend_on_the_order_rows_came_in(tmp_path):
    frames = [
        sampling_frame(make_selection_store(tmp_path / str(seed), prediction_rows(20), seed=seed), EVERYTHING, "s")
        for seed in range(3)
    ]
    assert frames[0].content_keys == frames[1].content_keys == frames[2].content_keys
    assert frames[0].rows.equals(frames[1].rows)


def test_frame_has_one_row_of_each_content(repetitive_store):
    frame = sampling_frame(repetitive_store, EVERYTHING, 0)
    assert (frame.rows.num_rows, len(set(frame.content_keys))) == (35, 35)


def test_frame_leaves_out_what_was_labeled_before(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(3))
    taken = prediction_row(1)
    add_rows(store, "labels", [label_row(0, content_key(store.loop, taken))])
    frame = sampling_frame(store, EVERYTHING, 0)
    assert taken["trace_id"] not in frame.rows.column("trace_id").to_pylist()
    assert frame.rows.num_rows == 2


def test_frame_without_rows_is_empty(tmp_path):
    frame = sampling_frame(make_selection_store(tmp_path, []), EVERYTHING, 0)
    assert (frame.rows.num_rows, frame.content_keys) == (0, [])


def test_frame_differs_between_seeds(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(20), loop=make_selection_loop())
    assert sampling_frame(store, EVERYTHING, 0).content_keys != sampling_frame(store, EVERYTHING, 1).content_keys


def retired_store(store, *retired: str):
    """Return the same store after these classes were retired."""
    classes = [name for name in store.loop.task.classes if name not in retired]
    task = {"kind": "classification", "classes": [*classes, "trade"], "retired": list(retired)}
    return LoopStore(make_selection_loop(task=task), str(Path(store.uri).parent))


def label_requests(store, label: str) -> None:
    """Label every request."""
    rows = [
        label_row(number, request["content_key"])
        | {"label": label, **{name: request[name] for name in ("trace_id", "request_id")}}
        for number, request in enumerate(requests_of(store))
    ]
    add_rows(store, "labels", rows)


def test_rows_whose_label_was_retired_may_be_requested_again_and_only_they(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(6))
    select_samples(store, day_interval(), budget=6)
    label_requests(store, "ship")
    assert sampling_frame(store, EVERYTHING, 0).rows.num_rows == 0
    assert sampling_frame(retired_store(store, "acq"), EVERYTHING, 0).rows.num_rows == 0
    after = retired_store(store, "ship")
    assert sampling_frame(after, EVERYTHING, 0).rows.num_rows == 6
    before = {row["request_id"] for row in requests_of(store)}
    select_samples(after, day_interval(days=2), budget=4)
    again = [row for row in requests_of(after) if row["request_id"] not in before]
    assert len(again) == 4
    assert {row["trace_id"] for row in again} < {row["trace_id"] for row in prediction_rows(6)}
    assert sampling_frame(after, EVERYTHING, 0).rows.num_rows == 2


def test_frame_reads_predictions_in_todays_classes(tmp_path):
    rows = [prediction_row(0), prediction_row(1, taxonomy="not known")]
    rows += [prediction_row(2, predicted="ship", probabilities=[0.0, 0.0, 1.0])]
    store = make_selection_store(tmp_path, rows)
    note_taxonomy(store, DAY)
    task = {
        "kind": "classification",
        "classes": ["buy", "earn", "trade"],
        "renamed": {"acq": "buy"},
        "retired": ["ship"],
    }
    changed = LoopStore(make_selection_loop(task=task), str(Path(store.uri).parent))
    by_id = {row["trace_id"]: row for row in sampling_frame(changed, EVERYTHING, 0).rows.to_pylist()}
    first, second, third = (by_id[row["trace_id"]] for row in rows)
    assert (first["predicted"], third["predicted"]) == ("buy", "ship")
    assert np.allclose(first["probabilities"], np.array([0.95, 0.0375, 0]) / 0.9875)
    assert second["probabilities"] is None
    assert np.allclose(third["probabilities"], 1 / 3)
    assert select_samples(changed, day_interval(), budget=3).requests == 3
