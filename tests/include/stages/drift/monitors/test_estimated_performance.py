"""Accuracy estimated from confidence: calibrated on labels, dropping with confidence, and honest about its limits."""

import numpy as np
import pytest
from scipy import stats

from include.foundation.statistics.calibrated_confidence import UNCALIBRATED
from include.stages.drift.comparing.column_findings import Judged
from include.stages.drift.monitors.estimated_performance import _estimates, estimated_findings
from include.stages.drift.windows import Window
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import (
    column_line,
    labeled,
    numeric_profile,
    store_confidence,
    stored_window,
    walks,
)


def confidences(*days, edges=(-np.inf, np.inf)):
    """Return profiles of days with these confidences."""
    return [numeric_profile(values, edges, number=number, column="confidence") for number, values in enumerate(days)]


def window_of(current, reference, segment=""):
    key = (segment, "confidence")
    return Window(day(), [one.day for one in reference], {key: current}, {key: reference})


def test_estimate_of_a_day_is_the_mean_of_its_bins_or_of_its_values_where_it_has_no_bins():
    binned = confidences([0.1, 0.1, 0.1, 0.9], edges=(-np.inf, 0.5, np.inf))
    whole = confidences([0.25, 0.25, 0.25, 0.75, np.nan])
    for days in (binned, whole):
        estimates = _estimates(days, UNCALIBRATED)
        assert (estimates.values.tolist(), estimates.rows.tolist()) == ([[0.375]], [4])


@pytest.mark.parametrize("accuracy", [0.76, 0.9])
def test_window_is_compared_by_a_one_sided_t_prediction_interval(tmp_path, accuracy):
    """Of ten days, which are too few for a slope."""
    ordinary = [0.8, 0.82, 0.84, 0.86, 0.8, 0.82, 0.84, 0.81, 0.83, 0.85]
    reference, *_ = [confidences(*([value] * 1000 for value in ordinary))]
    current = [numeric_profile([accuracy] * 1000, [-np.inf, np.inf], number=10, column="confidence")]
    (found,) = estimated_findings(make_store(tmp_path), window_of(current, reference), [])
    error = np.std(ordinary, ddof=1) * np.sqrt(1 + 1 / 10)
    assert found.p_value == pytest.approx(stats.t.cdf((accuracy - np.mean(ordinary)) / error, 9))
    assert (found.details.estimate, found.details.reference) == pytest.approx((accuracy, np.mean(ordinary)))
    assert found.details.ordinary == pytest.approx(2 * np.std(ordinary, ddof=1))


def test_columns_beside_it_say_how_much_days_depend_and_how_far_out_they_are(tmp_path):
    """Four weeks of one number tell little of that; what forty columns show counts for the estimate as well."""
    generator, store = np.random.default_rng(0), make_store(tmp_path)
    reference = confidences(*([value] * 1000 for value in generator.normal(0.82, 0.01, 28)))
    current = [numeric_profile([0.77] * 1000, [-np.inf, np.inf], number=34, column="confidence")]

    def found(beside):
        (finding,) = estimated_findings(store, window_of(current, reference), [], beside)
        return finding

    lines = {rho: [column_line(days) for days in walks(generator, 40, rho)] for rho in (0.0, 0.7)}
    plain, dependent = (found(Judged(lines=each)) for each in lines.values())
    assert dependent.p_value > 2 * plain.p_value
    assert plain.flagged
    assert not found(Judged(lines=lines[0.0], rarest=(plain.p_value, 1.0))).flagged


def test_window_of_too_few_rows_or_days_with_confidences_is_not_compared(tmp_path):
    store = make_store(tmp_path, drift={"min_rows": 40})
    full, empty = (confidences(*([[value] * 40] * 7)) for value in (0.8, np.nan))
    assert estimated_findings(store, window_of(full[:1], full), [])
    assert not estimated_findings(store, window_of(confidences([0.8] * 39), full), [])
    assert not estimated_findings(store, window_of(full[:1], [*full[:6], *empty[6:]]), [])


def test_estimate_is_calibrated_on_the_labels_whose_confidence_is_known(tmp_path):
    store = make_store(tmp_path)
    store_confidence(store, 0.85)
    for count, told in ((29, "not calibrated: fewer than thirty labels"), (60, "calibrated on 40 labels")):
        labels = [labeled(correct=n % 2 == 0, confidence=0.85 if n < 40 else None) for n in range(count)]
        (finding,) = estimated_findings(store, stored_window(store), labels)
        assert f", {told})" in finding.sentence
    assert finding.details.estimate == pytest.approx((4 + 8.5) / 18, abs=0.01)


@pytest.mark.parametrize(("level", "flagged"), [(0.85, False), (0.84, False), (0.7, True), (0.95, False)])
def test_estimate_drops_with_confidence_and_says_what_it_cannot_see(tmp_path, level, flagged):
    store = make_store(tmp_path)
    store_confidence(store, level)
    (finding,) = estimated_findings(store, stored_window(store), [])
    assert finding.flagged is flagged
    assert finding.effect == pytest.approx(max(0.0, 0.85 - level), abs=0.01)
    assert (finding.p_value < 1e-4) is (level < 0.85)
    assert "does not see a change of what is right" in finding.sentence
    assert "not calibrated" in finding.sentence
