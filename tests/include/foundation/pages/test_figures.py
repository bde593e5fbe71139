"""Every picture has one width and the same bytes each time; its colours can be told apart, and names in it are literal."""

import struct
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Annotation, Text

from include.foundation.pages import figures
from include.foundation.statistics.estimates import Estimate

# Machado, Oliveira and Fernandes 2009: full loss of one kind of cone, on linear RGB.
VISION = {
    "ordinary": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Colours that one picture shows side by side.
TOGETHER = (
    ("CHAMPION", "CHALLENGER", "REFERENCE"),
    ("REFERENCE", "CURRENT"),
    ("REFERENCE", "FLAGGED"),
    ("CURRENT", "FLAGGED", "UNCONFIRMED", "SOFT"),
)


def lab(colour: str, vision: str) -> np.ndarray:
    """CIE L*a*b* of a colour as an eye sees it, white being D65."""
    coded = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]] @ seen / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_colours_that_meet_in_a_picture_differ_for_every_eye(vision: str) -> None:
    for names in TOGETHER:
        for one, other in combinations(names, 2):
            apart = np.linalg.norm(lab(getattr(figures, one), vision) - lab(getattr(figures, other), vision))
            assert apart > 15, (one, other)


def test_every_meaning_has_a_colour_of_its_own() -> None:
    meanings = (
        figures.CHAMPION, figures.CHALLENGER, figures.REFERENCE, figures.CURRENT, figures.FLAGGED, figures.UNCONFIRMED,
    )  # fmt: skip
    assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize("height", [1.0, 3.4, 9.7])
def test_picture_of_any_height_has_the_one_width_and_the_same_bytes(height: float) -> None:
    pictures = []
    for _ in range(2):
        drawn = figures.figure(height)
        figures.style(drawn.subplots(), "title")
        pictures.append(figures.png(drawn))
    assert pictures[0] == pictures[1]
    assert struct.unpack(">II", pictures[0][16:24]) == (1584, int(height * 144))
    assert b"Software" not in pictures[0]


def test_names_in_a_picture_are_not_read_as_mathematics() -> None:
    drawn = figures.figure(2)
    axis = drawn.subplots()
    figures.style(axis, "$x^{$")
    figures.note(axis, "$x^{$", (0, 0))
    figures.name_places(axis, [0.0], ["$x^{$"])
    assert figures.png(drawn)


@pytest.mark.parametrize("places", [1, 8, 9, 60])
def test_at_most_eight_places_are_named_and_the_last_is_among_them(places: int) -> None:
    axis = figures.figure(2).subplots()
    figures.name_places(axis, range(places), [f"n{place}" for place in range(places)])
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert min(places, 5) <= len(names) <= 8
    assert names[-1] == f"n{places - 1}"
    assert [f"n{place:.0f}" for place in axis.get_xticks()] == names


@pytest.mark.parametrize("horizontal", [False, True])
def test_interval_lies_along_the_axis_its_values_are_read_off(*, horizontal: bool) -> None:
    axis = figures.figure(2).subplots()
    figures.interval(axis, Estimate(0.5, 0.25, 1.0, 9, 9.0), 7, figures.CHAMPION, horizontal=horizontal)
    line, dot = (
        [np.asarray(drawn.get_xdata()).tolist(), np.asarray(drawn.get_ydata()).tolist()] for drawn in axis.lines
    )
    assert (line[::-1] if horizontal else line) == [[7, 7], [0.25, 1.0]]
    assert (dot[::-1] if horizontal else dot) == [[7], [0.5]]


def test_an_axis_has_two_spines_a_faint_grid_behind_the_values_and_a_legend_without_a_frame() -> None:
    axis = figures.figure(2).subplots()
    figures.interval(axis, Estimate(0.5, 0.25, 1.0, 9, 9.0), 1, figures.CHAMPION, label="champion")
    figures.interval(axis, Estimate(0.5, 0.25, 1.0, 9, 9.0), 2, figures.CHAMPION)
    figures.style(axis, "title")
    figures.legend(axis)
    assert [side for side, spine in axis.spines.items() if spine.get_visible()] == ["left", "bottom"]
    assert axis.get_axisbelow() is True
    assert all(0.1 < line.get_alpha() < 0.5 for line in axis.get_ygridlines())
    explained = axis.get_legend()
    assert explained is not None
    assert not explained.get_frame_on()
    assert [text.get_text() for text in explained.get_texts()] == ["champion"]


def test_texts_of_a_picture_are_of_two_sizes() -> None:
    axis = figures.figure(2).subplots()
    figures.style(axis, "title")
    figures.note(axis, "note", (0, 0))
    figures.name_places(axis, [0.0], ["name"])
    small = [axis.xaxis.label, axis.yaxis.label, *axis.texts, *axis.get_xticklabels()]
    assert {text.get_fontsize() for text in small} == {9}
    (title,) = [text for text in axis.get_children() if isinstance(text, Text) and text.get_text() == "title"]
    assert title.get_fontsize() == 11


def test_a_note_stands_beside_its_point() -> None:
    axis = figures.figure(2).subplots()
    figures.note(axis, "note", (3, 4))
    (written,) = axis.texts
    assert isinstance(written, Annotation)
    assert (written.xy, written.get_position(), written.get_verticalalignment()) == ((3, 4), (7, 0), "center")


def test_an_interval_stands_upright_unless_it_is_asked_to_lie() -> None:
    axis = figures.figure(2).subplots()
    figures.interval(axis, Estimate(0.5, 0.25, 1.0, 9, 9.0), 7, figures.CHAMPION)
    assert np.asarray(axis.lines[0].get_xdata()).tolist() == [7, 7]
