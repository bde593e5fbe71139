"""Names, texts and JSON pointers as SQL takes them."""

from include.stages.logs.rules.field_paths import Path


def quoted(name: str) -> str:
    '''Return a name as SQL takes it.

    Examples
    --------
    >>> print(quoted('a "b"'))
    "a ""b"""
    '''
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL takes it.

    Examples
    --------
    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def pointer(place: Path) -> str:
    """Return a JSON pointer, which takes any name; a JSON path takes none with a quote in it.

    Examples
    --------
    >>> pointer(("probabilities", "either/or"))
    '/probabilities/either~1or'
    """
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in place)
