"""Accuracy on labels: weighted, shown to have dropped only by enough labels, and rarely by chance."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from include.foundation.store.rows import rows_of
from include.stages.drift.monitors.performance import accuracy, performance_findings
from tests.builders import DAY, day, make_store
from tests.include.stages.drift.drift_builders import fill, labeled


def deployed(tmp_path, promised=0.9, **changes):
    store = make_store(tmp_path, **changes)
    entry = {
        "sequence": 1, "model_version": "2", "previous_version": None, "action": "deploy", "why": "", "evidence_digest": "d",
        "promised_score": promised, "promised_low": promised, "promised_high": promised,
        "live_from": DAY - timedelta(days=5), "deployed_at": DAY,
    }  # fmt: skip
    store.append_new("deployments", rows_of(store.loop, "deployments", [entry]))
    return store


def test_accuracy_is_the_weighted_share_of_correct_predictions():
    rows = [labeled(inclusion_probability=0.1), labeled(correct=False, inclusion_probability=1.0)]
    assert accuracy(rows).value == pytest.approx(10 / 11)
    assert accuracy([]).value is None


def test_drop_is_shown_on_labels_and_a_few_are_inconclusive(tmp_path):
    store = deployed(tmp_path)
    many = [labeled(correct=n % 2 == 0) for n in range(80)]
    (of_all_rows, of_segment) = performance_findings(store, day(), many)
    assert of_all_rows.flagged
    assert of_all_rows.effect == pytest.approx(0.4)
    assert of_segment.segment == "desk=eu"
    assert of_segment.effect is None  # before it went live no label of the segment came back: unknown, not 0
    assert not performance_findings(store, day(), many[:4])[0].flagged
    assert performance_findings(store, day(), []) == []
    assert performance_findings(make_store(tmp_path / ".."), day(), many) == []


WRONG_ELSEWHERE = [
    labeled(correct=False, after=timedelta(days=-5)),  # the moment it went live
    labeled(correct=False, after=timedelta(days=1)),  # the window's end
    labeled(correct=False, model_version="1"),
]


@pytest.mark.parametrize(
    ("promised", "right", "state", "effect", "floor"),
    [
        pytest.param(0.9, [True] * 99 + [False], "holds", 0.0, 0.88, id="better"),
        pytest.param(0.9, [True] * 8 + [False] * 2, "has not been shown to have dropped", 0.1, 0.88, id="few"),
        pytest.param(0.9, [False] * 50, "has dropped", 0.9, 0.88, id="worse"),
        pytest.param(0.02, [False] * 50, "holds", 0.02, 0.0, id="promised nothing much"),
    ],
)
def test_accuracy_is_of_the_rows_that_the_live_version_answered_since(tmp_path, promised, right, state, effect, floor):
    store = deployed(tmp_path, promised)
    rows = [labeled(correct=correct) for n, correct in enumerate(right)]
    finding = performance_findings(store, day(), [*rows, *WRONG_ELSEWHERE])[0]
    assert finding.sentence.startswith(f"Accuracy on labels {state}: ")
    assert (finding.details.estimate.rows, finding.details.estimate.value) == (len(right), np.mean(right))
    assert (finding.effect, finding.details.floor) == (pytest.approx(effect), pytest.approx(floor))
    assert finding.flagged is (state == "has dropped")
    assert performance_findings(store, day(), WRONG_ELSEWHERE) == []


@pytest.mark.parametrize("count", [29, 30])
def test_segment_is_held_against_its_labels_before_and_shares_half_the_rate(tmp_path, count):
    store = deployed(tmp_path)
    before = [labeled(after=timedelta(days=-5 - n % 2)) for n in range(count)]
    current = [labeled(correct=False) for n in range(10)] + [labeled(segments=("desk=us",))]
    findings = performance_findings(store, day(), [*before, *current])
    assert [finding.segment for finding in findings] == ["", "desk=eu", "desk=us"]
    half = store.loop.drift.false_alarm_rate / 2
    assert [finding.details.needed for finding in findings] == pytest.approx([1 / half, 2 / half, 2 / half])
    known = accuracy(before).low if count == 30 else None
    assert [finding.details.reference for finding in findings] == [0.9, known, None]
    assert "Accuracy on labels in desk=us is 1.000" in findings[2].sentence
    assert [finding.details.estimate.rows for finding in findings] == [11, 10, 1]


def test_looking_every_day_rarely_alarms_while_nothing_drops(tmp_path):
    """Two hundred loops, looked at after each of thirty days of five labels; the budget is 5 %."""
    store, generator, alarms, loops = deployed(tmp_path, 0.8), np.random.default_rng(0), 0, 200
    for _ in range(loops):
        drawn = generator.random(150) < 0.8
        rows = [labeled(correct=bool(correct), segments=()) for n, correct in enumerate(drawn)]
        alarms += any(performance_findings(store, day(), rows[:n])[0].flagged for n in range(5, 151, 5))
    assert alarms / loops <= 0.05


@pytest.mark.parametrize("good_days", [1, 90, 180])
def test_drop_is_shown_soon_whatever_came_before(tmp_path, good_days):
    """Twelve labels a day: right nine times in ten, then six times; good days before must not hide it."""
    store, generator = deployed(tmp_path, 0.9), np.random.default_rng(3)
    chances = np.repeat([0.9] * good_days + [0.6] * 15, 12)
    rows = [
        labeled(correct=bool(correct), segments=(), after=timedelta(days=n // 12))
        for n, correct in enumerate(generator.random(chances.size) < chances)
    ]
    last = day(good_days + 14)
    assert performance_findings(store, last, rows)[0].flagged
    assert not performance_findings(store, last, rows[: 12 * good_days])[0].flagged


def served(generator, *periods, a_day=14):
    """Labeled rows of periods, each (days, chance to be right)."""
    chances = np.repeat([chance for days, chance in periods for _ in range(days)], a_day)
    right = generator.random(chances.size) < chances
    return [
        labeled(correct=bool(correct), segments=("desk=eu",), after=timedelta(days=n // a_day))
        for n, correct in enumerate(right)
    ]


def test_a_promise_that_few_rows_made_hides_no_drop(tmp_path):
    """The promise is 0.53 or more; it was right in 0.83 of forty days, and then in 0.58."""
    store, rows = deployed(tmp_path, 0.53), served(np.random.default_rng(1), (40, 0.83), (14, 0.58))
    before, after = (performance_findings(store, day(last), rows[: 14 * (last + 1)]) for last in (39, 53))
    assert not any(finding.flagged for finding in before)
    assert [finding.segment for finding in after if finding.flagged] == ["", "desk=eu"]
    first = accuracy(rows[: 14 * 15]).low  # 200 rows are in the first fifteen days
    assert after[0].details.reference == first > 0.7
    assert f"since it went live, against {first:.3f} in its first days" in after[0].sentence
    assert before[0].details.changed_on is None
    fell = (DAY + timedelta(days=40)).date()
    assert abs(after[0].details.changed_on - fell) <= timedelta(days=2)
    assert after[0].sentence.count(f"Likely since {after[0].details.changed_on}.") == 1
    early = performance_findings(store, day(13), rows[: 14 * 14])
    assert [finding.details.reference for finding in early] == [0.53, None]


def test_a_promise_above_what_the_first_days_show_stays_the_reference(tmp_path):
    store, rows = deployed(tmp_path, 0.95), served(np.random.default_rng(1), (20, 0.8))
    (of_all_rows, _) = performance_findings(store, day(19), rows)
    assert (of_all_rows.details.reference, of_all_rows.flagged) == (0.95, True)


def test_looking_every_day_rarely_alarms_against_the_first_days(tmp_path):
    """A hundred loops of ninety days, looked at every tenth day; the budget is 5 % for all rows and a segment value."""
    store, generator, alarms, loops = deployed(tmp_path, 0.5), np.random.default_rng(0), 0, 100
    for _ in range(loops):
        rows = served(generator, (90, 0.85), a_day=5)
        looks = (performance_findings(store, day(last), rows[: 5 * last]) for last in range(50, 91, 10))
        alarms += any(finding.flagged for look in looks for finding in look)
    assert alarms / loops <= 0.05


def test_accuracy_of_rows_in_groups_is_known_less_well():
    rows = [labeled(correct=n % 20 < 15) for n in range(200)]
    grouped = [replace(row, group=f"d{n // 5}") for n, row in enumerate(rows)]
    by_row, by_group = accuracy(rows), accuracy(grouped)
    assert by_row.value == by_group.value
    assert by_group.high - by_group.low > 1.5 * (by_row.high - by_row.low)


def test_estimate_is_powered_by_confidence_in_all_that_was_served_and_the_evidence_is_of_labels_alone(tmp_path):
    """Five days of 600 rows, right as often as the model thinks; forty of each have a label."""
    store, generator = deployed(tmp_path), np.random.default_rng(1)
    confidence = generator.beta(1.7, 0.3, 3000)
    correct = generator.random(3000) < confidence
    said = iter(confidence)
    fill(store, 0, 5, rows=600, model_version="2", confidence=lambda _: float(next(said)))
    rows = [
        labeled(correct=bool(correct[n]), confidence=float(confidence[n]), after=timedelta(days=n // 600, hours=1),
                trace_id=str(n), inclusion_probability=40 / 600)
        for n in range(3000) if n % 600 < 40
    ]  # fmt: skip
    (of_all, of_segment) = performance_findings(store, day(4), rows)
    found, plain = of_all.details.estimate, accuracy(rows)
    assert found.gain > 1.2
    assert f"200 rows, worth {200 * found.gain:.0f} by confidence" in of_all.sentence
    assert found.high - found.low < 0.93 * (plain.high - plain.low)
    assert found.low <= correct.mean() <= found.high
    assert abs(found.value - correct.mean()) < abs(plain.value - correct.mean())
    bare_folder = tmp_path / "bare"
    bare_folder.mkdir()
    bare = performance_findings(deployed(bare_folder), day(4), rows)[0].details
    assert bare.estimate == plain
    assert (bare.e_value, bare.reference) == (of_all.details.e_value, of_all.details.reference)
    assert of_segment.details.estimate.rows == 200
