"""The class that a signal says is right."""

import json

from include.foundation.lines.values import class_of
from include.foundation.taxonomy import Taxonomy


def said_class(taxonomy: Taxonomy, value: str | None) -> str | None:
    """Return the class that the value of a signal names: itself, or under ``label``; None if it names none of the loop's.

    Parameters
    ----------
    taxonomy
        Former names of classes count, too, and are returned as they were said.
    value
        JSON, as the table ``feedback`` has it.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> taxonomy = Taxonomy.of(loop_named("newswire").task)
    >>> said_class(taxonomy, '"earn"'), said_class(taxonomy, '{"label": "acq"}'), said_class(taxonomy, '["earn"]')
    ('earn', 'acq', None)
    """
    said = None if value is None else json.loads(value)
    if isinstance(said, dict):
        said = said.get("label")
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return None
    return class_of(said, [*taxonomy.classes, *taxonomy.former])
