"""Evidence against the champion comes from labels where it and its predecessor differ, as draws from all rows of the day."""

from datetime import date, timedelta

import numpy as np
import pytest

from include.foundation.decisions.compared_day import DifferingRow
from include.foundation.statistics.e_detectors import change_evidence
from include.foundation.statistics.estimates import UNKNOWN
from include.stages.deployment.paired_evidence import JudgedDay, judged_days, paired_evidence, watched_day
from tests.decision_builders import make_compared_day
from tests.include.stages.training.challenger_builders import add_labels, label_row, make_label_store

LONG_AGO = date(2026, 1, 1)


def judged(number, differences=(), groups=None, *, rows=1000, differing=100, day="2026-11-01", drawn=()):
    compared = make_compared_day(number, rows=rows, differing=differing, day=day, drawn=drawn)
    return JudgedDay(compared, tuple(differences), tuple(groups or [None] * len(differences)))


def drawn_row(number, group):
    return DifferingRow(
        trace_id=f"t{number}", asked_trace_id=f"t{number}", alike=1, champion="a", predecessor="b", group_key=group
    )


def test_bound_over_all_rows_is_a_larger_one_where_the_two_differ():
    """Two points over all rows are twenty over a tenth of them."""
    day = watched_day(judged(3, [-1.0, 1.0, 0.0]), 0.02)
    assert day.number == 3
    assert day.excess == pytest.approx([0.8, -1.2, -0.2])
    assert day.worst == pytest.approx(1.2)


def test_rows_of_a_group_are_one_bet_and_its_size_is_that_of_the_draw():
    """Of three drawn rows of a document two have a label: they cannot say as much as three, whatever comes back."""
    drawn = [drawn_row(n, group) for n, group in enumerate(["doc", "doc", "doc", None])]
    day = judged(1, [-1.0, -1.0, 1.0], ["doc", "doc", None], drawn=drawn)
    assert watched_day(day, 0.02).excess == pytest.approx([2 * 0.8 / 3, -1.2 / 3])


def test_one_document_that_the_champion_gets_wrong_breaks_nothing():
    """A model is not worse for thirty rows of which all say the same."""
    for groups, is_broken in (([None] * 30, True), (["doc"] * 30, False)):
        drawn = [drawn_row(number, group) for number, group in enumerate(groups)]
        found = paired_evidence([judged(1, [-1.0] * 30, groups, drawn=drawn)], 0.02, LONG_AGO)
        assert (found.evidence.e_value >= 20) is is_broken
        assert found.difference.low is not None
    assert found.difference.low == pytest.approx(-0.1)
    assert found.difference.high > 0


def test_label_of_a_row_is_the_newest_blind_one_as_everywhere(tmp_path):
    """A later answer to a request that showed what a model says does not take the place of a blind one."""
    store, day = make_label_store(tmp_path), judged(1, drawn=[drawn_row(7, None)]).compared
    blind = label_row(7, label_id="l1", trace_id="t7", label="crude", hidden_prelabel=True)
    shown = label_row(7, label_id="l2", trace_id="t7", label="grain", hidden_prelabel=False)
    add_labels(store, [blind, shown | {"decided_at": blind["decided_at"] + timedelta(days=3)}])
    drawn = day.model_copy(
        update={"drawn": (drawn_row(7, None).model_copy(update={"champion": "crude", "predecessor": "grain"}),)}
    )
    [found] = judged_days(store, [drawn], {"crude": 1.0, "grain": 1.0}, set())
    assert found.differences == (1.0,)


@pytest.mark.parametrize("differing", [0, 20])
def test_day_on_which_they_hardly_differ_says_nothing_against_the_champion(differing):
    assert watched_day(judged(1, [-1.0] * differing, differing=differing), 0.02).excess == ()
    found = paired_evidence([judged(1, [-1.0] * differing, differing=differing)], 0.02, LONG_AGO)
    assert found.evidence.e_value == pytest.approx(1.0)
    assert found.share == differing / 1000


def test_difference_is_that_of_all_rows_and_days_weigh_by_what_was_served():
    days = [judged(1, [1.0] * 10, differing=100), judged(2, [-1.0] * 10, rows=3000, differing=300)]
    found = paired_evidence(days, 0.02, LONG_AGO)
    assert (found.share, found.difference.rows) == (0.1, 20)
    assert found.difference.value == pytest.approx((100 - 300) / 4000)
    assert found.difference.low < found.difference.value < found.difference.high


def test_estimates_are_of_late_and_the_evidence_is_of_the_whole_life():
    early = [judged(n, [-1.0] * 10) for n in range(1, 10)]
    late = judged(10, [1.0] * 10, differing=50, day="2026-11-09")
    found = paired_evidence([*early, late], 0.02, date(2026, 11, 8))
    assert (found.share, found.difference.value) == (0.05, pytest.approx(0.05))
    assert found.evidence == change_evidence(watched_day(day, 0.02) for day in [*early, late])
    assert paired_evidence([*early, late], 0.02, date(2026, 11, 9)).share is None


def test_nothing_that_was_compared_or_labeled_is_unknown():
    assert paired_evidence([], 0.02, LONG_AGO).difference == UNKNOWN
    waiting = paired_evidence([judged(1)], 0.02, LONG_AGO)
    assert (waiting.difference, waiting.share, waiting.evidence.e_value) == (UNKNOWN, 0.1, pytest.approx(1.0))
    same = paired_evidence([judged(1, differing=0)], 0.02, LONG_AGO)
    assert (same.difference.value, same.difference.low, same.share) == (0.0, 0.0, 0.0)


def test_traffic_that_got_harder_for_both_is_no_evidence():
    """Both err on four rows in ten instead of one: where they differ, each is right as often as before."""
    generator = np.random.default_rng(0)
    days = [
        judged(n, generator.choice([-1.0, 1.0, 0.0], 20, p=[0.4, 0.4, 0.2]).tolist(), differing=100 if n < 20 else 300)
        for n in range(1, 60)
    ]
    assert max(paired_evidence(days[:n], 0.02, LONG_AGO).evidence.e_value for n in range(60)) < 5
