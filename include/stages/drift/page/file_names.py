"""What the files of a window's verdict are called."""

from include.foundation.intervals import Interval


def verdict_file(interval: Interval, ending: str) -> str:
    """Return where a file of a window's verdict is among the loop's files.

    Examples
    --------
    >>> verdict_file(Interval.parse("2026-11-01", "2026-11-02"), "html")
    'drift/20261101T0000-20261102T0000.html'
    """
    return f"drift/{interval.start:%Y%m%dT%H%M}-{interval.end:%Y%m%dT%H%M}.{ending}"
