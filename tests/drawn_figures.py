"""What a picture shows, asked of matplotlib instead of pixels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure


def drawn(monkeypatch: pytest.MonkeyPatch, draw: Callable[..., object], *given: Any) -> Figure:
    """Return the figure that a function draws, before it becomes a PNG."""
    kept: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: kept.append(figure))
    draw(*given)
    return kept[0]


def dots(axis: Any) -> list[tuple[float, ...]]:
    """Return where dots are."""
    return [tuple(np.asarray(line.get_xydata())[0].tolist()) for line in axis.lines if line.get_marker() == "o"]


def notes(axis: Any) -> list[tuple[str, tuple[float, float], tuple[float, float]]]:
    """Return the words in a picture, the point that each is of, and how far from it it stands."""
    return [(text.get_text(), text.xy, text.xyann) for text in axis.texts]


def names(axis: Any) -> list[str]:
    """Return the names along the horizontal axis."""
    return [label.get_text() for label in axis.get_xticklabels()]
