import numpy as np
import pytest

from include.stages.evaluation.calibration import calibration


def answers(n: int, confidence: float, share_right: float) -> tuple[np.ndarray, np.ndarray]:
    right = np.zeros(n)
    right[: round(n * share_right)] = 1
    return np.full(n, confidence), np.random.default_rng(0).permutation(right)


@pytest.mark.parametrize("n", [0, 1, 29])
def test_calibration_fewer_than_thirty_rows_is_inconclusive(n: int) -> None:
    measured = calibration(*answers(n, 0.9, 1.0), np.ones(n))
    assert (measured.verdict, measured.error, measured.curve) == ("inconclusive", None, ())


def test_calibration_thirty_rows_are_enough_for_bins_of_ten() -> None:
    measured = calibration(*answers(30, 0.9, 1.0), np.ones(30))
    assert measured.verdict == "measured"
    assert [point.rows for point in measured.curve] == pytest.approx([10, 10, 10])


def test_calibration_overconfident_model_shows_by_how_much() -> None:
    measured = calibration(np.full(1000, 0.9), np.tile([1.0, 0.0], 500), np.full(1000, 0.1))
    assert measured.error == pytest.approx(0.4)
    assert measured.low <= 0.4 <= measured.high
    assert 0.3 < measured.low < measured.high < 0.5


def test_calibration_true_confidence_has_a_small_error() -> None:
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.4, 1, 4000)
    measured = calibration(confidence, (generator.random(4000) < confidence).astype(float), np.ones(4000))
    assert measured.error < 0.03


@pytest.mark.parametrize("n", [60, 200, 600])
@pytest.mark.parametrize("off", [0.0, 0.05, 0.15])
def test_calibration_interval_covers_also_a_true_confidence(n: int, off: float) -> None:
    """Chance alone makes an error of 0.08 on 60 rows, so a bootstrap of it never reaches zero."""
    generator, covered = np.random.default_rng(n), 0
    for _ in range(30):
        confidence = generator.uniform(0.65, 1, n)
        right = (generator.random(n) < confidence - off).astype(float)
        measured = calibration(confidence, right, np.ones(n))
        covered += measured.low <= off <= measured.high
        assert measured.low <= measured.error <= measured.high
    assert covered >= 27


def test_calibration_curve_covers_every_row_in_bins_of_equal_mass() -> None:
    generator = np.random.default_rng(2)
    confidence, right = generator.random(103), generator.integers(0, 2, 103).astype(float)
    curve = np.array(calibration(confidence, right, np.ones(103)).curve)
    assert curve[:, 2].sum() == pytest.approx(103)
    assert set(curve[:, 2].round(9)) == {10, 11}
    assert (np.diff(curve[:, 0]) > 0).all()
    assert curve[:, 1] @ curve[:, 2] == pytest.approx(right.sum())


def test_calibration_same_rows_give_the_same_interval_for_years() -> None:
    """It is part of an evaluation's digest; one that is run again must find its own."""
    generator = np.random.default_rng(2)
    confidence = generator.random(203)
    right = (generator.random(203) < confidence**2).astype(float)
    measured = calibration(confidence, right, np.full(203, 0.25))
    assert (measured.low, measured.error, measured.high) == pytest.approx((0.1275358, 0.1821940, 0.2364872), abs=1e-7)
    assert calibration(confidence, right, np.full(203, 0.5), seed=1).high != measured.high


def test_calibration_counts_rows_for_as_many_as_they_stand_for() -> None:
    """True on nine rows of ten, which stand for 10 % of production; half too sure on the others."""
    chances = np.tile([1.0] * 9 + [1 / 81], 200)
    confidence = np.tile([0.9] * 9 + [0.95], 200)
    generator = np.random.default_rng(3)
    right = (generator.random(2000) < np.where(chances == 1, 0.9, 0.45)).astype(float)
    measured = calibration(confidence, right, chances)
    assert measured.error == pytest.approx(0.9 * 0.5, abs=0.05)
    assert calibration(confidence, right, np.ones(2000)).error == pytest.approx(0.1 * 0.5, abs=0.03)
    assert sum(point.rows for point in measured.curve) == pytest.approx(2000)


def test_calibration_of_a_row_that_stands_for_two_is_that_of_both() -> None:
    generator = np.random.default_rng(4)
    confidence, right = np.sort(generator.random(100)), generator.integers(0, 2, 100).astype(float)
    twice = calibration(np.repeat(confidence, 2), np.repeat(right, 2), np.ones(200))
    assert calibration(confidence, right, np.full(100, 0.5)).error == pytest.approx(twice.error)
