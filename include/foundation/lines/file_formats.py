"""The format of a file, told by its name, and what contradicts it."""

from collections import Counter
from collections.abc import Sequence

from include.foundation.lines.sources import COMPRESSED, SUFFIXES

BEGINNINGS = {
    b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "Zstandard", b"PK\x03\x04": "ZIP", b"PAR1": "Parquet",
    b"\xff\xfe{\0": "UTF-16", b"\xfe\xff\0{": "UTF-16",
}  # fmt: skip


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


def repeats(names: Sequence[str]) -> str | None:
    """Say which names of columns are there twice: also those alike but for upper and lower case, which DuckDB takes for one.

    Examples
    --------
    >>> repeats(["label", "id", "Label"])
    'columns twice, or alike but for upper and lower case: Label, label'
    >>> repeats(["label", "id"])
    """
    alike = Counter(name.lower() for name in names)
    twice = sorted({name for name in names if alike[name.lower()] > 1})
    return f"columns twice, or alike but for upper and lower case: {', '.join(twice)}" if twice else None


def contradiction(begin: bytes) -> str | None:
    r"""Say what content that begins so is, if it is something else than lines of text.

    Examples
    --------
    >>> print(contradiction(b"PK\x03\x04 and so on"))
    the content is ZIP, expected JSON lines in UTF-8, or compressed ones whose name says so: .gz, .zst
    >>> contradiction(b"{}")
    """
    kind = next((kind for sign, kind in BEGINNINGS.items() if begin.startswith(sign)), None)
    wanted = f"JSON lines in UTF-8, or compressed ones whose name says so: {', '.join(COMPRESSED)}"
    return kind and f"the content is {kind}, expected {wanted}"
