"""Charts lie where their values are, at most so many words stand beside them, and their tones can be told apart and seen."""

import re
from itertools import combinations, pairwise
from typing import get_args

import numpy as np
import pytest

from include.foundation.pages.charts import LEFT, RIGHT, TOP, WIDTH, Chart, Name, Plane, Tone, round_values
from include.foundation.pages.rendering import TEMPLATES as SHARED
from include.foundation.pages.rendering import render
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from tests.include.stages.reports.page_reader import Page

# Machado, Oliveira and Fernandes 2009: full loss of one kind of cone, on linear RGB.
VISION = {
    "ordinary": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Tones that one chart shows side by side.
TOGETHER = (
    ("champion", "reference"),
    ("challenger", "reference"),
    ("reference", "flagged"),
    ("reference", "current"),
    ("current", "flagged", "unconfirmed", "soft"),
    ("current", "challenger", "unconfirmed", "flagged"),
)
STYLE = (SHARED / "style.css").read_text()
PLANE = Plane((0, 10), (0, 1), height=200)


def colours(mode: int) -> dict[str, str]:
    return {name: both[mode] for name, *both in re.findall(r"--(\w+): light-dark\(#(\w+), #(\w+)\);", STYLE)}


def linear(colour: str) -> np.ndarray:
    whole = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    coded = np.array([int(whole[place : place + 2], 16) for place in (0, 2, 4)]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(colour: str, vision: str) -> np.ndarray:
    """CIE L*a*b* of a colour as an eye sees it, white being D65."""
    seen = np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1)
    xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]] @ seen / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_tones_that_meet_in_a_chart_differ_for_every_eye(mode: int, vision: str) -> None:
    for names in TOGETHER:
        for one, other in combinations(names, 2):
            apart = np.linalg.norm(lab(colours(mode)[one], vision) - lab(colours(mode)[other], vision))
            assert apart > 15, (one, other)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_tones_stand_out_from_the_background(mode: int) -> None:
    """WCAG 2.2 AA asks for a contrast of 3 of what is no text."""
    luminance = {name: float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for name, colour in colours(mode).items()}
    for tone in get_args(Tone):
        dark, light = sorted((luminance[tone], luminance["back"]))
        assert (light + 0.05) / (dark + 0.05) >= 3, tone


def test_every_tone_has_a_class_in_the_style() -> None:
    assert set(re.findall(r"\.t-(\w+) {", STYLE)) == set(get_args(Tone))


def test_ends_of_the_axes_are_the_margins() -> None:
    assert (PLANE.x(0), PLANE.x(10)) == (LEFT, WIDTH - RIGHT)
    assert (PLANE.y(1), PLANE.y(0)) == (TOP, Chart(name="a", title="", says="", height=200).floor)
    assert PLANE.y(7) == TOP


def test_an_axis_of_one_value_has_it_in_the_middle() -> None:
    assert Plane((3, 3), (1, 1), height=200).x(3) == (LEFT + WIDTH - RIGHT) / 2


def test_interval_is_a_dot_on_its_line_and_nothing_where_it_is_unknown() -> None:
    (dot,) = PLANE.interval(5, Estimate(0.5, 0.25, 1.0, 9, 9.0), "champion", "cycle 5")
    assert (dot.x, dot.y, dot.low, dot.high) == (PLANE.x(5), PLANE.y(0.5), PLANE.y(0.25), PLANE.y(1))
    assert dot.words == "cycle 5: 0.500 (0.250 to 1.000)"
    assert PLANE.interval(5, UNKNOWN, "champion") == []


def test_bar_stands_on_its_base() -> None:
    bar = PLANE.bar(2, 1, 0.75, "current", base=0.5)
    assert (bar.x, bar.y) == (PLANE.x(2), PLANE.y(0.75))
    assert bar.y + bar.height == pytest.approx(PLANE.y(0.5), abs=0.2)
    assert bar.x + bar.width == pytest.approx(PLANE.x(3), abs=0.2)


@pytest.mark.parametrize("places", [0, 1, 8, 9, 60])
def test_at_most_eight_places_are_named_and_the_last_is_among_them(places: int) -> None:
    names = PLANE.names(range(places), [f"n{place}" for place in range(places)])
    assert min(places, 5) <= len(names) <= 8
    assert [PLANE.x(int(name.text[1:])) for name in names] == [name.at for name in names]
    assert not places or names[-1].text == f"n{places - 1}"


@pytest.mark.parametrize("ends", [(0, 1), (0.31, 0.94), (0, 7), (0, 36_500), (-3, 3), (0.5, 0.5), (0, 1e-9)])
def test_levels_are_few_round_and_within_the_axis(ends: tuple[float, float]) -> None:
    values = round_values(*ends)
    assert 1 <= len(values) <= 6
    assert all(ends[0] <= value <= ends[1] for value in values)
    if ends[1] > ends[0]:
        assert len(values) >= 2
        assert len({f"{later - one:.6g}" for one, later in pairwise(values)}) <= 1


def test_drawn_chart_says_everything_in_words_and_escapes_it(tmp_path) -> None:
    odd = "<b>&"
    chart = Chart(
        name="a", title=odd, says=odd, height=200, unit=odd, across=(Name(1, odd),), upwards=PLANE.levels(as_share=True),
        marked=(Name(2, odd),), dots=(PLANE.dot(1, 0.5, "champion", odd),), bars=(PLANE.bar(1, 1, 0.5, "current", odd),),
        paths=(PLANE.level(0.5), PLANE.path([(0, 0), (10, 1)], "reference")), key=(("champion", odd),), columns=(odd,),
        rows=((odd,),),
    )  # fmt: skip
    (tmp_path / "page.html").write_text('{% from "charts.html" import chart %}{{ chart(one) }}')
    drawn = render(tmp_path, "page.html", {"one": chart})
    assert odd not in drawn
    read = Page(drawn)
    assert read.text.count(odd) == 12
    assert {"svg", "title", "desc", "figcaption", "details", "table"} <= set(read.tags)
    assert 'aria-labelledby="a-title a-says"' in drawn
    assert 'tabindex="0"' in drawn
    assert f'points="{PLANE.x(0):g},{PLANE.y(0):g} {PLANE.x(10):g},{PLANE.y(1):g}"' in drawn


def test_words_of_a_mark_end_at_it_where_they_would_not_fit_behind_it(tmp_path) -> None:
    marks = (Name(LEFT, "v1"), Name(WIDTH - RIGHT, "back to v1"))
    chart = Chart(name="a", title="Marks", says="Two.", height=100, marked=marks)
    (tmp_path / "page.html").write_text('{% from "charts.html" import chart %}{{ chart(one) }}')
    drawn = render(tmp_path, "page.html", {"one": chart})
    assert re.findall(r'<text x="([\d.]+)" y="11" class="unit"( text-anchor=end)?>', drawn) == [
        (str(LEFT + 4), ""),
        (str(WIDTH - RIGHT - 4), " text-anchor=end"),
    ]
