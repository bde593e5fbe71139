"""The guard's benchmark on few lives: what is unchanged stays, what became worse is found, and harder traffic is neither."""

import numpy as np
import pytest

from benchmarks.guard import NEVER, SOON, YEAR, Traffic, changed, dropped, harder, live


def rolled_back(days, lives: int) -> list[float]:
    generator = np.random.default_rng(1)
    return [live(days, generator).broken for _ in range(lives)]


@pytest.mark.parametrize("days", [[Traffic()] * 120, harder(15)[:120]], ids=["unchanged", "harder for both"])
def test_champion_that_is_no_worse_stays(days) -> None:
    assert rolled_back(days, 20) == [NEVER] * 20


@pytest.mark.parametrize("day", [1, 60])
def test_champion_that_became_worse_is_found_within_a_month(day: int) -> None:
    found = [day <= broken < day + SOON for broken in rolled_back(dropped(10, day), 20)]
    assert sum(found) >= 18


def test_year_of_which_a_part_is_otherwise_has_its_length_and_its_day() -> None:
    days = changed(Traffic(deficit=0.1), 30, YEAR)
    assert (len(days), days[28].deficit, days[29].deficit) == (YEAR, 0.0, 0.1)
    assert sum(days[29].outcomes) == pytest.approx(1)
    assert days[29].outcomes[0] > days[29].outcomes[1]
