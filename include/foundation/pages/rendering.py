"""Templates to pages: HTML that escapes everything and loads nothing, and Markdown that stays Markdown."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from include.foundation.pages import formats

TEMPLATES = Path(__file__).parent / "templates"
FILTERS = (formats.estimate, formats.large, formats.number, formats.share, formats.chance, formats.moment)


def render(folder: Path, template: str, facts: dict[str, Any]) -> str:
    """Return a page.

    Parameters
    ----------
    folder
        Where the template is; what it extends or includes may also be in `TEMPLATES`, which all pages share.
    template
        File name. ``.html`` is escaped as HTML, every other ending as Markdown.
    facts
        Its variables.

    Raises
    ------
    jinja2.UndefinedError
        If the template uses a variable that ``facts`` lacks.
    """
    return _environment(folder, template.endswith(".html")).get_template(template).render(facts)


def inline(picture: bytes | None) -> str | None:
    """Return the address of a PNG that the page itself holds; None without a picture."""
    return None if picture is None else "data:image/png;base64," + base64.b64encode(picture).decode()


@cache
def _environment(folder: Path, is_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=select_autoescape(default=is_html),
        finalize=None if is_html else formats.markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {made.__name__: made for made in FILTERS}
    return environment
