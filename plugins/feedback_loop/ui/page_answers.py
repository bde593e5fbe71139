"""Pages as answers: rendered from the reports' templates, private, and able to run nothing but one line of ours."""

import re
import secrets
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from feedback_loop.ui.mounting import PREFIX

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
BODY = re.compile(rb"<body[^>]*>", re.IGNORECASE)
FILE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}


def page_answer(request: Request, template: str, facts: dict[str, Any]) -> HTMLResponse:
    """Return a page that is made now.

    Its links into Airflow's UI open there, also from inside the frame in which Airflow shows our pages: that takes a script,
    which no other part of the page can be.

    Parameters
    ----------
    request
        Says below which path Airflow is served.
    template
        Of the reports.
    facts
        Its variables; added are ``here`` and ``airflow``, the paths below which our pages and Airflow's are, ``to_index``, what
        the address of a folder needs behind it, and ``nonce``.
    """
    here, nonce = str(request.scope["root_path"]), secrets.token_urlsafe(16)
    places = {"here": here, "airflow": here.removesuffix(PREFIX), "to_index": "", "nonce": nonce}
    headers = FILE_HEADERS | {"Content-Security-Policy": f"{POLICY}; script-src 'nonce-{nonce}'"}
    return HTMLResponse(_rendered(template, facts | places), headers=headers)


def with_way_back(page: bytes, facts: dict[str, Any]) -> bytes:
    """Return a page that a task wrote, with links to the loop and to the runs that wrote it above everything else.

    Parameters
    ----------
    page
        HTML.
    facts
        Variables of ``way_back.html``.
    """
    way_back = _rendered("way_back.html", facts).encode()
    return BODY.sub(lambda opening: opening.group() + way_back, page, count=1)


def problem_page(why: str) -> str:
    """Return the page that says why there is no other."""
    return _rendered("problem.html", {"why": why})


def _rendered(template: str, facts: dict[str, Any]) -> str:
    from include.stages.reports.overview import page

    return page(template, facts)
