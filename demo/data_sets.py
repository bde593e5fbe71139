"""The data sets that the demo can play with; the classes of a loop decide which one it is."""

from collections.abc import Callable, Sequence

from demo import handwriting, reuters
from demo.example_data import Example
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError


def examples_for(loop: Loop) -> Sequence[Example]:
    """Return the data set whose classes are the loop's, in a fixed order.

    Raises
    ------
    ConfigError
        If no data set has these classes, so that the demo cannot play this loop.
    """
    sources: list[tuple[Sequence[str], Callable[[str], Sequence[Example]]]] = [
        (reuters.CLASSES, reuters.documents),
        (handwriting.CLASSES, handwriting.pictures),
    ]
    for classes, read in sources:
        if set(classes) == set(loop.task.classes):
            return read(next(iter(loop.inputs)))
    raise ConfigError(f"No example data has the classes of {loop.name}; the demo plays loops of: reuters r8, digits")
