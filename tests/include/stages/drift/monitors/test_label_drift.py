"""Shares of classes on labels: another mix is flagged, ordinary ones rarely."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from include.stages.drift.monitors.label_drift import label_findings
from include.stages.drift.windows import Window
from tests.builders import DAY, day, make_store
from tests.include.stages.drift.drift_builders import labeled


def window(reference=range(-35, 0), own=0):
    """Return a window of one day, `DAY` or another, with these days of the same count as its reference."""
    return Window(day(own), [day(number).days[0] for number in reference], {}, {})


def test_other_mix_of_classes_is_flagged_and_the_same_mix_is_not(tmp_path):
    store = make_store(tmp_path)
    before = [labeled(after=timedelta(days=-9 - n % 8), label=["earn", "acq"][n // 8 % 2]) for n in range(80)]
    same = [labeled(label=["earn", "acq"][n % 2]) for n in range(80)]
    other = [labeled(label="earn") for n in range(80)]
    assert not any(finding.flagged for finding in label_findings(store, window(), before + same))
    findings = label_findings(store, window(), before + other)
    assert {finding.statistic for finding in findings if finding.flagged} == {"earn", "acq"}
    assert label_findings(store, window(), before + other[:5]) == []
    assert label_findings(store, window(), [row for row in before if row.ts > DAY - timedelta(days=15)] + other) == []


def of_classes(earn, acq, **more):
    return [labeled(label="earn", **more) for _ in range(earn)] + [labeled(label="acq", **more) for _ in range(acq)]


@pytest.mark.parametrize(("daily", "dispersion"), [((5, 5), 1.0), ((2, 8), 8 * 10 * 0.3**2 / (0.25 * 7))])
def test_p_value_is_that_of_a_t_test_on_the_arcsine_scale_between_two_stretches_of_days(tmp_path, daily, dispersion):
    """The reference days before a week, against that week; other days count for neither."""
    first, reference = timedelta(days=-6), range(-14, -6)
    before = [row for n in reference for row in of_classes(daily[n % 2], 10 - daily[n % 2], after=timedelta(days=n))]
    now = [*of_classes(15, 5, after=first), *of_classes(15, 5)]
    outside = [*of_classes(9, 0, after=timedelta(days=-14, seconds=-1)), *of_classes(9, 0, after=timedelta(days=1))]
    rows = [*before, *now, *outside]
    found = {each.statistic: each for each in label_findings(make_store(tmp_path), window(reference), rows)}
    noise = np.sqrt(dispersion * (1 / 40 + 1 / 80) / 4)
    t = (np.arcsin(np.sqrt(0.75)) - np.arcsin(np.sqrt(0.5))) / noise
    for name, share in (("earn", 0.75), ("acq", 0.25)):
        assert found[name].p_value == pytest.approx(2 * stats.t.sf(t, 7), rel=1e-6)
        assert (found[name].details.share, found[name].details.before) == pytest.approx((share, 0.5))
        assert (found[name].effect, found[name].details.effective_rows) == (0.25, pytest.approx((40, 80)))
    assert (found["grain"].p_value, found["grain"].effect) == (1, 0)


@pytest.mark.parametrize(("current", "reference", "days", "judged"), [
    (30, 30, 7, True), (29, 30, 7, False), (30, 29, 7, False), (30, 30, 6, False),
])  # fmt: skip
def test_shares_of_too_few_labels_or_days_are_not_compared(tmp_path, current, reference, days, judged):
    before = [labeled(after=timedelta(days=-9 - n % days)) for n in range(reference)]
    assert bool(label_findings(make_store(tmp_path), window(), before + of_classes(current, 0))) is judged


def mixed(days, *, share=0.5):
    """Return twenty labels on each of some days, so many of which are of one class."""
    ones = round(20 * share)
    return [row for number in days for row in of_classes(ones, 20 - ones, after=timedelta(days=number))]


def test_changed_days_that_are_kept_out_of_the_reference_do_not_hide_the_change(tmp_path):
    """Two weeks of another mix: a week of them was confirmed before, and no reference day may come from it."""
    rows = [*mixed(range(-27, -13)), *mixed(range(-13, 1), share=0.9)]
    before = []
    for reference in (range(-27, -13), range(-27, -6)):
        found = label_findings(make_store(tmp_path), window(reference), rows)
        before += [each.details.before for each in found if each.statistic == "earn"]
    assert before == pytest.approx([0.5, (14 * 0.5 + 7 * 0.9) / 21])


def test_days_of_another_kind_count_for_neither_side(tmp_path):
    """A pay-day of another mix in the week; and a window that is a pay-day has too few like it."""
    special = day(-2)
    store = make_store(tmp_path, drift={"days_of_month": [special.start.day]})
    rows = [*mixed(range(-21, -2)), *mixed([-2], share=0.0), *mixed([-1, 0])]
    found = label_findings(store, window(range(-21, -6)), rows)
    assert found[0].details.share == pytest.approx(0.5)
    assert found[0].details.effective_rows == pytest.approx((120, 300))
    assert label_findings(store, window([], own=-2), rows) == []


def test_reference_day_within_the_week_counts_for_the_week(tmp_path):
    found = label_findings(make_store(tmp_path), window(range(-20, 0)), mixed(range(-20, 1)))
    assert found[0].details.effective_rows == pytest.approx((140, 280))


@pytest.mark.parametrize("effect", [0.0, 0.1])
def test_mix_of_ordinary_days_that_differ_is_rarely_flagged(tmp_path, effect):
    """A hundred windows of a week after four, forty labels a day, each day's share of a class moved by a draw."""
    store, generator, flagged = make_store(tmp_path), np.random.default_rng(2), 0
    for _ in range(100):
        shares = np.clip(generator.normal(0.5, effect, 35), 0.02, 0.98)
        rows = [
            labeled(after=timedelta(days=-number), label=["earn", "acq"][int(generator.random() < share)])
            for number, share in enumerate(shares)
            for n in range(40)
        ]
        flagged += any(finding.flagged for finding in label_findings(store, window(), rows))
    assert flagged / 100 <= 0.05 + 2 * (0.05 * 0.95 / 100) ** 0.5
