"""Drift is judged against ordinary days: silent on them, loud on a real shift, and honest about too little data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.drift.calibration import flagged_by_false_discovery, window_p_value
from include.drift.detection import detect_drift
from include.drift.profiles import bin_edges, categorical_profile, merged, numeric_profile, profile_days
from include.drift.statistics import day_statistics, total_variation
from include.store.decisions import find
from include.store.digests import table_digest
from include.store.interval import Interval
from include.store.tables import rows_of
from tests.builders import day, make_store

EDGES = bin_edges(np.random.default_rng(0).normal(size=5000))
DRIFT = {"reference_days": 14, "confirm": "1 of 1", "cooldown_days": 0, "min_rows": 30}
CATEGORIES = ("a", "b", "c")


def numeric_days(generator, days, rows, *, effect=0.0, shift=0.0):
    """Profiles of days whose mean is moved by a draw of sd ``effect``, and by ``shift``."""
    means = generator.normal(shift, effect, days) if effect else np.full(days, shift)
    return [
        numeric_profile(f"2026-01-{n:02d}", "x", generator.normal(mean, 1, rows), EDGES)
        for n, mean in enumerate(means, 1)
    ]


def fill(store, first, days, rows=60, seed=0, *, length=20, spread=8, category=None):
    """Store days of predictions whose texts have about ``length`` words."""
    generator = np.random.default_rng(seed)
    for number in range(first, first + days):
        lengths = np.maximum(1, generator.normal(length, spread, rows)).astype(int)
        records = [
            {
                "trace_id": f"{number}-{place}", "ts": day(number).start, "day": str(day(number).start.date()),
                "model_version": "1",
                "predicted": category or ["earn", "acq", "grain"][int(generator.integers(3))],
                "confidence": float(generator.uniform(0.4, 1)),
                "input_text": "word " * int(words), "segment_desk": "eu",
            }
            for place, words in enumerate(lengths)
        ]  # fmt: skip
        store.replace_between(
            "predictions", rows_of(store.loop, "predictions", records), day(number).start, day(number).end
        )
    profile_days(store, Interval(day(first).start, day(first + days - 1).end))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32), max_size=30), min_size=1, max_size=5)
)
def test_merged_numeric_profiles_equal_the_profile_of_the_union(parts):
    arrays = [np.array(part, dtype=float) for part in parts]
    together = numeric_profile("all", "x", np.concatenate(arrays), EDGES)
    found = merged([numeric_profile("d", "x", part, EDGES) for part in arrays])
    assert {name: found[name] for name in ("rows", "nulls", "counts")} == {
        name: together[name] for name in ("rows", "nulls", "counts")
    }
    assert found["total"] == pytest.approx(together["total"], rel=1e-9, abs=1e-6)


@given(st.lists(st.lists(st.sampled_from([*CATEGORIES, None]), max_size=20), min_size=1, max_size=5))
def test_merged_categorical_profiles_equal_the_profile_of_the_union(parts):
    together = categorical_profile("all", "x", [value for part in parts for value in part])
    found = merged([categorical_profile("d", "x", part) for part in parts])
    for name in ("rows", "nulls", "counts", "categories"):
        assert found[name] == together[name]


def test_merging_profiles_of_different_bins_is_refused():
    one, two = numeric_profile("d", "x", np.ones(3), [-np.inf, 0, np.inf]), numeric_profile("d", "x", np.ones(3), EDGES)
    with pytest.raises(ValueError, match="different bins"):
        merged([one, two])


def test_total_variation_is_zero_for_equal_profiles_one_for_disjoint_ones_and_symmetric():
    one, two = categorical_profile("d", "x", ["a"] * 50), categorical_profile("d", "x", ["b"] * 50)
    assert total_variation(one, one)[0] == 0
    assert total_variation(one, two)[0] == 1
    assert total_variation(one, two) == total_variation(two, one)


def test_noise_of_total_variation_is_what_sampling_gives():
    """Independent recomputation: the mean distance of two samples of the same distribution."""
    generator = np.random.default_rng(1)
    draws = [[numeric_profile("d", "x", generator.normal(size=400), EDGES) for _ in range(2)] for _ in range(200)]
    found = np.mean([total_variation(*pair)[0] for pair in draws])
    said = np.mean([total_variation(*pair)[1] for pair in draws])
    assert said == pytest.approx(found, rel=0.1)


@pytest.mark.parametrize("rows", [100, 1000], ids=lambda n: f"n={n}")
@pytest.mark.parametrize("effect", [0.0, 0.05, 0.1], ids=lambda sd: f"day-{sd}")
def test_ordinary_windows_are_flagged_no_more_often_than_stated(rows, effect, capsys):
    """300 repetitions a cell: the share of p-values below 5 % must be compatible with 5 %."""
    generator, repetitions, below = np.random.default_rng(7), 300, 0
    for _ in range(repetitions):
        days = numeric_days(generator, 29, rows, effect=effect)
        reference, window = days[:28], days[28:]
        p_value, _ = window_p_value(day_statistics(reference, reference), day_statistics(reference, window))
        below += p_value < 0.05
    with capsys.disabled():
        print(f"\n  false alarms at 5 %, n={rows}, day sd {effect}: {below} of {repetitions}")  # noqa: T201
    assert below / repetitions <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions)


def test_shift_of_three_day_effects_is_found():
    generator, found = np.random.default_rng(3), 0
    for _ in range(50):
        reference = numeric_days(generator, 28, 1000, effect=0.1)
        window = numeric_days(generator, 1, 1000, shift=0.5)
        p_value, _ = window_p_value(day_statistics(reference, reference), day_statistics(reference, window))
        found += p_value < 0.05
    assert found >= 45


def test_larger_shift_gives_smaller_p_and_larger_effect():
    generator = np.random.default_rng(5)
    reference = numeric_days(generator, 28, 500, effect=0.1)
    p_values, effects = [], []
    for shift in (0.0, 0.3, 0.6, 1.2):
        window = numeric_days(np.random.default_rng(9), 1, 500, shift=shift)
        p_values.append(window_p_value(day_statistics(reference, reference), day_statistics(reference, window))[0])
        effects.append(total_variation(merged(reference), merged(window))[0])
    assert p_values[1:] == sorted(p_values[1:], reverse=True)
    assert effects == sorted(effects)


def test_unseen_category_is_named():
    reference = [categorical_profile(f"d{n}", "x", ["a"] * 60 + ["b"] * 40) for n in range(14)]
    window = [categorical_profile("w", "x", ["a"] * 50 + ["z"] * 50)]
    p_value, statistic = window_p_value(day_statistics(reference, reference), day_statistics(reference, window))
    assert p_value < 1e-6
    assert statistic in {"unseen", "b"}


@pytest.mark.parametrize(
    "days",
    [
        pytest.param([numeric_profile("d", "x", np.ones(50), bin_edges(np.ones(50)))] * 10, id="constant"),
        pytest.param(
            [numeric_profile("d", "x", np.full(50, np.nan), bin_edges(np.full(50, np.nan)))] * 10, id="all-missing"
        ),
        pytest.param([categorical_profile("d", "x", ["a"] * 50)] * 10, id="one-class"),
        pytest.param([categorical_profile("d", "x", [None] * 50)] * 10, id="no-category"),
    ],
)
def test_degenerate_column_that_stays_as_it_is_has_p_one(days):
    assert window_p_value(day_statistics(days, days), day_statistics(days, days[:1]))[0] == 1


def test_false_discovery_control_is_monotone_and_empty_is_empty():
    assert flagged_by_false_discovery(np.array([]), 0.05).size == 0
    p_values = np.array([0.04, 0.001, 0.03, 0.6])
    assert flagged_by_false_discovery(p_values, 0.05)[1]
    assert flagged_by_false_discovery(p_values, 0.05).sum() <= flagged_by_false_discovery(p_values, 0.2).sum()


def test_verdict_on_ordinary_days_is_stable_and_judging_again_is_the_same_decision(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 15)
    first = detect_drift(store, day(14))
    assert first.outcome == "stable"
    assert detect_drift(store, day(14)).evidence_digest == first.evidence_digest
    assert len(find(store, "drift")) == 1


def test_verdict_on_a_shift_is_an_alarm_that_routes_to_retrain_and_has_a_picture(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 14)
    fill(store, 14, 1, length=60)
    verdict = detect_drift(store, day(14))
    assert verdict.outcome == "alarm"
    assert verdict.evidence["route"] == "retrain"
    assert verdict.evidence["columns"][0]["flagged"]
    from pathlib import Path

    assert Path(verdict.evidence["picture"]).read_bytes().startswith(b"\x89PNG")


def test_verdict_needs_rows_and_days(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 5)
    assert "too few to know what is ordinary" in detect_drift(store, day(4)).reasons[0]
    fill(store, 5, 1, rows=10)
    assert "too few to judge" in detect_drift(store, day(5)).reasons[0]
    assert {verdict.outcome for verdict in find(store, "drift")} == {"inconclusive"}


def test_alarm_needs_k_of_m_and_keeps_quiet_in_the_cool_down(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "confirm": "2 of 3", "cooldown_days": 2})
    fill(store, 0, 14)
    fill(store, 14, 4, length=60, seed=4)
    outcomes = [detect_drift(store, day(number)).outcome for number in range(14, 18)]
    assert outcomes == ["drift", "alarm", "drift", "drift"]


def test_prediction_of_a_new_class_is_not_taken_for_broken_data(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 14, category="earn")
    fill(store, 14, 1, category="grain")
    assert detect_drift(store, day(14)).evidence["route"] == "retrain"


def test_profiles_do_not_depend_on_how_often_or_in_what_order_days_are_profiled(tmp_path):
    (tmp_path / "a").mkdir()
    store = make_store(tmp_path / "a", drift=DRIFT)
    fill(store, 0, 4)
    before = table_digest(store.read("profiles"))
    for number in (3, 0, 2, 1):
        profile_days(store, day(number))
    assert table_digest(store.read("profiles")) == before
