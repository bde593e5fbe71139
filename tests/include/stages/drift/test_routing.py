"""What labels and confidence say of a window, and where the verdict goes."""

from datetime import timedelta

import numpy as np
import pytest

from include.foundation.decisions.drift_verdict import ALL_ROWS, Finding
from include.foundation.store.rows import rows_of
from include.stages.drift.detection import detect_drift
from include.stages.drift.monitors.estimated_performance import UNCALIBRATED, calibrated, estimated_findings
from include.stages.drift.monitors.label_drift import label_findings
from include.stages.drift.monitors.performance import accuracy, performance_findings
from include.stages.drift.routing import _route, judge
from tests.builders import DAY, day, make_store
from tests.include.stages.drift.drift_builders import DRIFT, fill, numeric_profile

REFERENCE = [day(number).days[0] for number in range(-14, 0)]
EDGES = [-np.inf, *np.linspace(0.05, 0.95, 19).tolist(), np.inf]


def finding(monitor="data", segment=ALL_ROWS, statistic="location", *, flagged=True):
    return Finding(
        monitor=monitor, column="x", segment=segment, statistic=statistic, effect=0.2, p_value=0.001, flagged=flagged,
        sentence="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "shown", "estimated", "route", "segments"),
    [
        pytest.param([], [], [], "none", [], id="nothing"),
        pytest.param([finding(flagged=False)], [], [], "none", [], id="not-flagged"),
        pytest.param([finding(statistic="missing")], [], [], "fix_data", [], id="missing-values"),
        pytest.param([finding(statistic="missing"), finding()], [], [], "label_segment", [], id="not-only-missing"),
        pytest.param(
            [finding()], [], [finding("estimated_performance", flagged=False)], "watch", [], id="nothing-lost"
        ),
        pytest.param([finding()], [], [], "label_segment", [], id="loss-unknown"),
        pytest.param([finding()], [], [finding("estimated_performance")], "retrain", [], id="estimate-dropped"),
        pytest.param([], [finding("performance")], [], "retrain", [], id="labels-show-it"),
        pytest.param([finding(segment="desk=eu")], [], [], "label_segment", ["desk=eu"], id="one-segment"),
        pytest.param(
            [], [], [finding("estimated_performance", "desk=us")], "label_segment", ["desk=us"], id="estimate-of-one"
        ),
        pytest.param(
            [finding(statistic="missing")], [finding("performance")], [], "retrain", [], id="shown-loss-comes-first"
        ),
    ],
)
def test_route_follows_from_what_is_flagged(found, shown, estimated, route, segments):
    assert _route(found, shown, estimated)[:2] == (route, segments)


def label(number, *, right, when=timedelta(hours=1), desk="eu", chance=0.5, name="earn"):
    return {
        "label_id": f"l{number}", "request_id": f"r{number}", "label": name, "predicted": name if right else "acq",
        "inclusion_probability": chance, "ts": DAY + when, "model_version": "2", "segment_desk": desk,
    }  # fmt: skip


def deployed(tmp_path, promised=0.9):
    store = make_store(tmp_path)
    entry = {
        "sequence": 1, "model_version": "2", "previous_version": None, "action": "deploy", "why": "", "evidence_digest": "d",
        "promised_score": promised, "promised_low": promised, "promised_high": promised,
        "live_from": DAY - timedelta(days=5), "deployed_at": DAY,
    }  # fmt: skip
    store.append_new("deployments", rows_of(store.loop, "deployments", [entry]))
    return store


def test_accuracy_is_the_weighted_share_of_right_answers():
    rows = [label(1, right=True, chance=0.1), label(2, right=False, chance=1.0)]
    assert accuracy(rows).value == pytest.approx(10 / 11)
    assert accuracy([]).value is None


def test_drop_is_shown_on_labels_and_a_few_are_inconclusive(tmp_path):
    store = deployed(tmp_path)
    many = [label(n, right=n % 2 == 0) for n in range(80)]
    (whole, part) = performance_findings(store, day(), many)
    assert whole.flagged
    assert whole.effect == pytest.approx(0.4)
    assert part.segment == "desk=eu"
    assert part.effect is None  # before it went live no label of the segment came back: unknown, not 0
    assert not performance_findings(store, day(), many[:4])[0].flagged
    assert performance_findings(store, day(), []) == []
    assert performance_findings(make_store(tmp_path / ".."), day(), many) == []


def test_looking_every_day_rarely_alarms_while_nothing_drops(tmp_path):
    """Two hundred loops, looked at after each of thirty days of five labels; the budget is 5 %."""
    store, generator, alarms, loops = deployed(tmp_path, 0.8), np.random.default_rng(0), 0, 200
    for _ in range(loops):
        right = generator.random(150) < 0.8
        rows = [label(n, right=bool(ok), desk=None) for n, ok in enumerate(right)]
        alarms += any(performance_findings(store, day(), rows[:n])[0].flagged for n in range(5, 151, 5))
    assert alarms / loops <= 0.05


def test_other_mix_of_classes_is_found_and_the_same_mix_is_not(tmp_path):
    store = make_store(tmp_path)
    before = [
        label(n, right=True, when=timedelta(days=-9 - n % 8), name=["earn", "acq"][n // 8 % 2]) for n in range(80)
    ]
    same = [label(n, right=True, name=["earn", "acq"][n % 2]) for n in range(80)]
    other = [label(n, right=True, name="earn") for n in range(80)]
    assert not any(found.flagged for found in label_findings(store, day(), before + same))
    assert {found.statistic for found in label_findings(store, day(), before + other) if found.flagged} == {
        "earn",
        "acq",
    }
    assert label_findings(store, day(), before + other[:5]) == []
    assert label_findings(store, day(), [row for row in before if row["ts"] > DAY - timedelta(days=15)] + other) == []


@pytest.mark.parametrize("effect", [0.0, 0.1])
def test_mix_of_ordinary_days_that_differ_is_rarely_flagged(tmp_path, effect):
    """A hundred windows of a week after four, forty labels a day, each day's share of a class moved by a draw."""
    store, generator, flagged = make_store(tmp_path), np.random.default_rng(2), 0
    for _ in range(100):
        shares = np.clip(generator.normal(0.5, effect, 35), 0.02, 0.98)
        rows = [
            label(n, right=True, when=timedelta(days=-number), name=["earn", "acq"][int(generator.random() < share)])
            for number, share in enumerate(shares)
            for n in range(40)
        ]
        flagged += any(found.flagged for found in label_findings(store, day(), rows))
    assert flagged / 100 <= 0.05 + 2 * (0.05 * 0.95 / 100) ** 0.5


def test_calibration_recovers_the_share_right_and_needs_labels():
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.5, 1, 4000)
    right = (generator.random(4000) < confidence - 0.3).astype(float)
    found = calibrated(confidence, right, np.ones(4000))
    assert found(np.array([0.6, 0.75, 0.9])) == pytest.approx([0.3, 0.45, 0.6], abs=0.06)
    assert calibrated(confidence[:29], right[:29], np.ones(29)) is UNCALIBRATED
    assert calibrated(np.full(40, 0.9), np.ones(40), np.ones(40))(np.array([0.9]))[0] > 0.9


def confident(store, level, segment=""):
    generator = np.random.default_rng(3)
    days = [*[(number, 0.85) for number in range(-14, 0)], (0, level)]
    rows = []
    for number, mean in days:
        values = np.clip(generator.normal(mean, 0.05, 400), 0, 1)
        profile = numeric_profile(values, EDGES, column="confidence", segment=segment)
        rows.append(profile.to_row() | {"day": day(number).days[0]})
    store.append_new("profiles", rows_of(store.loop, "profiles", rows))


@pytest.mark.parametrize(("level", "flagged"), [(0.85, False), (0.7, True), (0.95, False)])
def test_estimate_drops_with_confidence_and_says_what_it_cannot_see(tmp_path, level, flagged):
    store = make_store(tmp_path)
    confident(store, level)
    (found,) = estimated_findings(store, day(), REFERENCE, [])
    assert found.flagged is flagged
    assert "does not see a change of what is right" in found.sentence
    assert "not calibrated" in found.sentence


def test_drift_without_probabilities_or_labels_asks_for_labels_of_the_window(tmp_path):
    routed = judge(make_store(tmp_path), day(), [finding()], REFERENCE)
    assert (routed.route, routed.segments, routed.findings) == ("label_segment", [], [])


def test_drift_whose_confidence_holds_is_watched(tmp_path):
    store = make_store(tmp_path)
    confident(store, 0.85)
    routed = judge(store, day(), [finding()], REFERENCE)
    assert routed.route == "watch"
    assert [found.monitor for found in routed.findings] == ["estimated_performance"]


def test_window_judged_again_keeps_its_verdict_though_labels_came_back(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 15)
    first = detect_drift(store, day(14))
    labels = [label(n, right=False) | {"ts": day(14).start, "stratum": "random"} for n in range(80)]
    base = {
        "trace_id": "t",
        "decided_by": "majority",
        "origin": "annotation",
        "split": "holdout",
        "content_key": "c",
        "decided_at": DAY,
    }
    store.append_new("labels", rows_of(store.loop, "labels", [base | one for one in labels]))
    assert detect_drift(store, day(14)).reference == first.reference
    assert store.version("decisions") == 0
