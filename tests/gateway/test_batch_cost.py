import numpy as np
import pytest

from gateway.batch_cost import Arrivals, BatchCost, worth_waiting


def learned(batches, per_row=0.0002, per_batch=0.004):
    cost = BatchCost()
    for rows in batches:
        cost.learn(rows, per_batch + per_row * rows)
    return cost


def test_line_is_that_of_least_squares_with_fading_weights():
    random = np.random.default_rng(0)
    rows = random.integers(1, 64, 50)
    seconds = 0.003 + 0.0001 * rows + random.normal(0, 0.0002, 50)
    cost = BatchCost()
    for each, took in zip(rows, seconds, strict=True):
        cost.learn(int(each), float(took))
    slope, intercept = np.polyfit(rows, seconds, 1, w=np.sqrt(0.98 ** np.arange(49, -1, -1)))
    assert (cost.per_row, cost.per_batch) == (pytest.approx(slope), pytest.approx(intercept))


def test_batches_of_one_size_say_the_sum_only():
    cost = learned([8] * 20)
    assert cost.seconds(8) == pytest.approx(0.004 + 0.0002 * 8)


def test_nothing_learned_costs_nothing_and_waits_for_nothing():
    assert (BatchCost().seconds(5), worth_waiting(BatchCost(), 0.001, 1)) == (0.0, 0.0)


def test_cost_is_never_negative():
    cost = BatchCost()
    for rows, seconds in ((1, 0.01), (16, 0.001)):
        cost.learn(rows, seconds)
    assert cost.per_row == 0
    assert cost.per_batch >= 0


def test_waiting_pays_less_the_more_rows_wait_and_the_later_the_next_comes():
    cost = learned([1, 8, 16])
    waits = [bool(worth_waiting(cost, 0.0005, rows)) for rows in range(1, 20)]
    assert waits[0]
    assert not waits[-1]
    assert waits == sorted(waits, reverse=True)
    assert not worth_waiting(cost, 0.004, 1)
    assert not worth_waiting(cost, float("inf"), 1)


def test_pauses_between_bursts_do_not_count():
    arrivals, moment = Arrivals(), 0.0
    for _ in range(5):
        for _ in range(8):
            moment += 0.0001
            arrivals.note(moment)
        moment += 0.05
    assert arrivals.gap == pytest.approx(0.0001)


def test_first_arrival_says_nothing():
    arrivals = Arrivals()
    arrivals.note(1.0)
    assert arrivals.gap == float("inf")
