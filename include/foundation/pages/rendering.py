"""Templates to pages: HTML that escapes everything and loads nothing, and Markdown that stays Markdown."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from include.foundation.statistics.estimates import Estimate

TEMPLATES = Path(__file__).parent / "templates"
MARKDOWN = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|", "`": "\\`", "*": "\\*", "[": "\\[", "]": "\\]",
                          "\n": " ", "\r": " "})  # fmt: skip


def render(folder: Path, template: str, facts: dict[str, Any]) -> str:
    """Return a page.

    Parameters
    ----------
    folder
        Where the template is; what it extends or includes may also be in the templates that all pages share.
    template
        File name; its ending says how what it prints is escaped.
    facts
        Its variables; one that is missing is an error.
    """
    return _environment(folder, template.endswith(".html")).get_template(template).render(facts)


def markdown(value: object) -> str:
    r"""Return a value as text that Markdown takes literally, on one line.

    Examples
    --------
    >>> markdown("a|b <script> [x]")
    'a\\|b &lt;script&gt; \\[x\\]'
    """
    return str(value).translate(MARKDOWN)


def estimate(found: Estimate, *, signed: bool = False) -> str:
    """Return a value with its interval.

    Examples
    --------
    >>> estimate(Estimate(0.5, 0.25, 0.75, 4, 4.0)), estimate(Estimate(0.5, -0.25, 0.75, 4, 4.0), signed=True)
    ('0.500 (0.250 to 0.750)', '+0.500 (-0.250 to +0.750)')
    >>> estimate(Estimate(None, None, None, 0, 0.0))
    'unknown'
    """
    if found.value is None or found.low is None or found.high is None:
        return "unknown"
    form = "+.3f" if signed else ".3f"
    low, high = format(found.low, form), format(found.high, form)
    return f"{found.value:{form}} ({low} to {high})"


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


def inline(picture: bytes | None) -> str | None:
    """Return a PNG as the page itself holds it."""
    return None if picture is None else "data:image/png;base64," + base64.b64encode(picture).decode()


@cache
def _environment(folder: Path, is_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=select_autoescape(["html"]),
        finalize=None if is_html else markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"estimate": estimate, "large": large}
    return environment
