"""What the notes say of anchoring."""

import pytest

from include.stages.reports.anchoring_report import anchoring_report
from tests.include.foundation.store.ledgers.test_prelabel_arms import asked_store, half


@pytest.mark.parametrize(
    ("times", "meaning", "consequence"),
    [
        (19, "people follow it too much", "Pre-labels below a confidence of 0.7 are hidden from now on"),
        (12, "inconclusive", "Pre-labels stay shown"),
        (3, "people hardly follow it", "Pre-labels stay shown"),
    ],
)
def test_what_showing_does_and_what_becomes_of_it(tmp_path, times, meaning, consequence):
    report = anchoring_report(asked_store(tmp_path, half(times)))
    (band,) = report.bands
    assert (band.tier, band.confidence, band.meaning) == ("first", "0.5 to 0.7", meaning)
    assert band.more.startswith(f"{100 * (times / 20 - 0.5):+.1f} points (")
    assert report.consequence.startswith(consequence)
    assert report.consequence.endswith(
        "but for a share of 0.1 that goes on measuring: labeling.max_anchoring allows 5 points"
    )


def test_prelabels_of_every_confidence(tmp_path):
    report = anchoring_report(asked_store(tmp_path, half(20, prelabel_confidence=0.95)))
    assert report.bands[0].confidence == "0.9 or more"
    assert report.consequence.startswith("Pre-labels of every confidence are hidden from now on")


def test_few_answers_are_inconclusive(tmp_path):
    report = anchoring_report(asked_store(tmp_path, half(18)[12:]))
    assert (report.bands[0].more, report.bands[0].meaning) == ("unknown", "inconclusive: too few were shown, or hidden")
