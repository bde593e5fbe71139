"""Data sets that the demo can play with, found by the classes a loop file names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from include.config.loop_file import Loop
from include.errors import ConfigError


@dataclass(frozen=True)
class Example:
    """One labeled document or picture; ``input`` is as a log line has it."""

    input: dict[str, Any]
    label: str

    @property
    def size(self) -> float:
        """How much there is of it: characters of a text, mean of a vector."""
        value = next(iter(self.input.values()))
        return float(len(value)) if isinstance(value, str) else float(np.mean(value))


def examples_for(loop: Loop) -> Sequence[Example]:
    """Return the data set whose classes are the loop's, in a fixed order.

    Raises
    ------
    ConfigError
        If no data set has these classes: the demo can then not play this loop.
    """
    from include.examples import handwriting, reuters

    sources: list[tuple[Sequence[str], Callable[[str], Sequence[Example]]]] = [
        (reuters.CLASSES, reuters.documents),
        (handwriting.CLASSES, handwriting.pictures),
    ]
    for classes, read in sources:
        if set(classes) == set(loop.task.classes):
            return read(next(iter(loop.inputs)))
    raise ConfigError(f"No example data has the classes of {loop.name}; the demo plays loops of: reuters r8, digits")
