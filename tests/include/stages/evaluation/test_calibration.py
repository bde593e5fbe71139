import numpy as np
import pytest

from include.stages.evaluation.calibration import calibration


def answers(n: int, confidence: float, share_right: float) -> tuple[np.ndarray, np.ndarray]:
    right = np.zeros(n)
    right[: round(n * share_right)] = 1
    return np.full(n, confidence), np.random.default_rng(0).permutation(right)


@pytest.mark.parametrize("n", [0, 1, 29])
def test_calibration_fewer_than_thirty_rows_is_inconclusive(n: int) -> None:
    measured = calibration(*answers(n, 0.9, 1.0))
    assert (measured.verdict, measured.error, measured.curve) == ("inconclusive", None, ())


def test_calibration_thirty_rows_are_enough_for_bins_of_ten() -> None:
    measured = calibration(*answers(30, 0.9, 1.0))
    assert (measured.verdict, [point.rows for point in measured.curve]) == ("measured", [10, 10, 10])


def test_calibration_overconfident_model_shows_by_how_much() -> None:
    measured = calibration(np.full(1000, 0.9), np.tile([1.0, 0.0], 500))
    assert measured.error == pytest.approx(0.4)
    assert measured.low <= 0.4 <= measured.high
    assert 0.3 < measured.low < measured.high < 0.5


def test_calibration_true_confidence_has_a_small_error() -> None:
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.4, 1, 4000)
    measured = calibration(confidence, (generator.random(4000) < confidence).astype(float))
    assert measured.error < 0.03


def test_calibration_curve_covers_every_row_in_bins_of_equal_mass() -> None:
    generator = np.random.default_rng(2)
    confidence, right = generator.random(103), generator.integers(0, 2, 103).astype(float)
    curve = np.array(calibration(confidence, right).curve)
    assert curve[:, 2].sum() == 103
    assert set(curve[:, 2]) == {10, 11}
    assert (np.diff(curve[:, 0]) > 0).all()
    assert curve[:, 1] @ curve[:, 2] == pytest.approx(right.sum())


def test_calibration_same_rows_give_the_same_interval_for_years() -> None:
    """It is part of an evaluation's digest; one that is run again must find its own."""
    generator = np.random.default_rng(2)
    confidence = generator.random(203)
    right = (generator.random(203) < confidence**2).astype(float)
    measured = calibration(confidence, right)
    assert (measured.low, measured.error, measured.high) == pytest.approx((0.1385524, 0.1821940, 0.2364872), abs=1e-7)
    assert calibration(confidence, right, seed=1).low == pytest.approx(0.1429746, abs=1e-7)
