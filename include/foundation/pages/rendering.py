"""Templates to pages: HTML that escapes everything and loads nothing, and Markdown that stays Markdown."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from include.foundation.pages import formats

TEMPLATES = Path(__file__).parent / "templates"
FILTERS = (formats.estimate, formats.large, formats.number, formats.share, formats.chance, formats.moment)


def render(folder: Path, template: str, facts: dict[str, Any], *more: Path) -> str:
    """Return a page.

    Parameters
    ----------
    folder
        Where the template is; what it extends or includes may also be in `TEMPLATES`, which all pages share.
    template
        File name. ``.html`` is escaped as HTML, every other ending as Markdown.
    facts
        Its variables.
    *more
        Further folders of what it includes.

    Raises
    ------
    jinja2.UndefinedError
        If the template uses a variable that ``facts`` lacks.
    """
    return _environment((folder, *more), template.endswith(".html")).get_template(template).render(facts)


@cache
def _environment(folders: tuple[Path, ...], is_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=select_autoescape(default=is_html),
        finalize=None if is_html else formats.markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {made.__name__: made for made in FILTERS}
    return environment
