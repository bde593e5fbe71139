import numpy as np
import pytest

from include.stages.evaluation.calibration import calibration


def answers(n: int, confidence: float, share_right: float) -> tuple[np.ndarray, np.ndarray]:
    right = np.zeros(n)
    right[: round(n * share_right)] = 1
    return np.full(n, confidence), np.random.default_rng(0).permutation(right)


@pytest.mark.parametrize("n", [0, 1, 29])
def test_calibration_fewer_than_thirty_rows_is_inconclusive(n: int) -> None:
    found = calibration(*answers(n, 0.9, 1.0))
    assert (found.verdict, found.error, found.curve) == ("inconclusive", None, ())


def test_calibration_overconfident_model_shows_by_how_much() -> None:
    found = calibration(np.full(1000, 0.9), np.tile([1.0, 0.0], 500))
    assert found.error == pytest.approx(0.4)
    assert found.low <= 0.4 <= found.high
    assert 0.3 < found.low < found.high < 0.5


def test_calibration_true_confidence_has_a_small_error() -> None:
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.4, 1, 4000)
    found = calibration(confidence, (generator.random(4000) < confidence).astype(float))
    assert found.error < 0.03


def test_calibration_curve_covers_every_row_in_bins_of_equal_mass() -> None:
    generator = np.random.default_rng(2)
    confidence, right = generator.random(103), generator.integers(0, 2, 103).astype(float)
    curve = np.array(calibration(confidence, right).curve)
    assert curve[:, 2].sum() == 103
    assert set(curve[:, 2]) == {10, 11}
    assert (np.diff(curve[:, 0]) > 0).all()
    assert curve[:, 1] @ curve[:, 2] == pytest.approx(right.sum())


def test_calibration_same_seed_gives_the_same_interval() -> None:
    rows = answers(200, 0.8, 0.7)
    assert calibration(*rows, seed=3) == calibration(*rows, seed=3)
    assert calibration(*rows, seed=3).low != calibration(*answers(200, 0.8, 0.6), seed=3).low
