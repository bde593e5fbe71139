"""How pages write numbers, intervals, moments, and text inside Markdown."""

import re
from datetime import datetime

from include.foundation.statistics.estimates import Estimate

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "\n": " ", "\r": " "}
MARKDOWN = str.maketrans(ENTITIES | {mark: f"\\{mark}" for mark in "\\`*_[]|~"})
ADDRESS = re.compile(r"(?i)(?<=\bwww)\.|:(?=//)")  # what Markdown would make a link of


def markdown(value: object) -> str:
    r"""Return a value as text that Markdown takes literally, on one line, without a link in it.

    Examples
    --------
    >>> markdown("a|b <script> [x]")
    'a\\|b &lt;script&gt; \\[x\\]'
    >>> markdown(r"\[x](y) http://evil.example")
    '\\\\\\[x\\](y) http&#58;//evil.example'
    """
    return ADDRESS.sub(lambda mark: f"&#{ord(mark[0])};", str(value).translate(MARKDOWN))


def estimate(score: Estimate, *, signed: bool = False) -> str:
    """Return a value with its interval, or ``unknown`` where there are no rows.

    Examples
    --------
    >>> estimate(Estimate(0.5, 0.25, 0.75, 4, 4.0)), estimate(Estimate(0.5, -0.25, 0.75, 4, 4.0), signed=True)
    ('0.500 (0.250 to 0.750)', '+0.500 (-0.250 to +0.750)')
    >>> estimate(Estimate(None, None, None, 0, 0.0))
    'unknown'
    """
    if score.value is None or score.low is None or score.high is None:
        return "unknown"
    form = "+z.3f" if signed else "z.3f"
    return f"{score.value:{form}} ({score.low:{form}} to {score.high:{form}})"


def large(number: float) -> str:
    """Return a number to three digits, as a person writes it.

    Examples
    --------
    >>> large(0.7694), large(32.9), large(9016.6), large(3.2e9)
    ('0.769', '32.9', '9,017', '3.2e+09')
    """
    if number >= 1e6:
        return f"{number:.1e}"
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def number(value: float) -> str:
    """Return a number with three decimals; what rounds to zero has no sign.

    Examples
    --------
    >>> number(0.25), number(-0.0001)
    ('0.250', '0.000')
    """
    return f"{value:z.3f}"


def share(value: float) -> str:
    """Return a share of 0 to 1 in per cent.

    Examples
    --------
    >>> share(0.125)
    '12.5%'
    """
    return f"{value:.1%}"


def chance(p_value: float) -> str:
    """Return a p-value to two digits.

    Examples
    --------
    >>> chance(0.0463), chance(1e-9)
    ('0.046', '< 0.0001')
    """
    return "< 0.0001" if p_value < 0.0001 else f"{p_value:.2g}"


def moment(when: datetime) -> str:
    """Return a date and a time to the minute.

    Examples
    --------
    >>> moment(datetime(2026, 3, 7, 9, 30))
    '7 March 2026 09:30'
    """
    return f"{when.day} {when:%B %Y %H:%M}"
