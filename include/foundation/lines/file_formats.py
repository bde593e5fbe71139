"""The format of a file, told by its name."""

from include.foundation.lines.sources import COMPRESSED, SUFFIXES


def format_of(name: str) -> str:
    """Return ``jsonl``, ``csv`` or ``parquet``; a file whose name says nothing is read as JSON lines.

    Examples
    --------
    >>> format_of("logs/a.csv.gz"), format_of("a.parquet"), format_of("a.jsonl.zst"), format_of("answers.txt")
    ('csv', 'parquet', 'jsonl', 'jsonl')
    """
    for compression in COMPRESSED:
        name = name.removesuffix(compression)
    return next((log_format for log_format, suffix in SUFFIXES.items() if name.endswith(suffix)), "jsonl")


def is_compressed(name: str) -> bool:
    """Tell whether the name of a file says that its content is compressed."""
    return name.endswith(COMPRESSED)
