"""The application that serves a loop's pages, each to who may see the task instances of the DAGs that it shows."""

import logging
import re

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import get_user
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import Depends, FastAPI, HTTPException, Request, Response, status
from fastapi.responses import HTMLResponse, JSONResponse

from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.ui import access
from feedback_loop.ui.loop_runs import writers_of
from feedback_loop.ui.loop_views import router
from feedback_loop.ui.mounting import page_address
from feedback_loop.ui.page_answers import FILE_HEADERS, problem_page, with_way_back
from include.foundation.config.loading import valid_loops
from include.foundation.errors import FeedbackLoopError, NoSuchFileError

# No part begins with a dot: neither a way up nor a file that is being written is a page.
PAGE = re.compile(r"[a-z]+(/\w[\w.+-]*)+\.(html|png)", re.ASCII)
CONTENT_TYPES = {"html": "text/html; charset=utf-8", "png": "image/png"}
MOST_RUNS = 3  # that a page names as its writers: the newest
NO_CONNECTION = (
    "The API server does not know the connection feedback_store: give it to this process as well as to the workers, in "
    "the environment (AIRFLOW_CONN_FEEDBACK_STORE), in Airflow's database or in its secrets backend"
)
NO_STORE = "The store cannot be read; the API server's log says why"

log = logging.getLogger(__name__)
# Airflow checks nothing in an application that a plugin mounts: whatever is added here is refused to who is not logged in.
app = FastAPI(
    title="Feedback Loop pages", dependencies=[Depends(get_user)], openapi_url=None, docs_url=None, redoc_url=None
)


@app.get("/{loop}/files/{path:path}", dependencies=[Depends(access.to_file)])
def page(request: Request, session: SessionDep, loop: str, path: str) -> Response:
    """Return a page, with links to the loop and to the runs that wrote it, or a picture.

    FastAPI runs this in a thread, as reading the store blocks.

    Parameters
    ----------
    request, session
        Given by FastAPI.
    loop, path
        Of the page, from its address.
    """
    is_page = PAGE.fullmatch(path) and path.partition("/")[0] in access.WRITTEN_BY
    if not is_page or loop not in {known.name for known in valid_loops()}:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no page {path!r} of a loop {loop!r}")
    content, ending = _content(loop, path), path.rpartition(".")[2]
    if ending == "html":
        runs = writers_of(session, access.writing_dags(loop, path), page_address(loop, path))
        content = with_way_back(
            content, {"here": request.scope["root_path"], "loop_name": loop, "runs": runs[:MOST_RUNS]}
        )
    return Response(content, media_type=CONTENT_TYPES[ending], headers=FILE_HEADERS)


app.include_router(router)


def _content(loop: str, path: str) -> bytes:
    from include.foundation.store.loop_files import read_file

    try:
        return read_file(LoopStoreHook(loop).get_conn(), path)
    except NoSuchFileError:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no page {path!r} of the loop {loop!r}") from None


@app.exception_handler(AirflowNotFoundException)
def without_connection(request: Request, error: AirflowNotFoundException) -> Response:
    """Say that the store's connection is missing."""
    return _refusal(request, status.HTTP_503_SERVICE_UNAVAILABLE, NO_CONNECTION)


@app.exception_handler(FeedbackLoopError)
def without_store(request: Request, error: FeedbackLoopError) -> Response:
    """Say that the store cannot be read; where it is, and why, is in the log only."""
    log.error("%s cannot be shown", request.url.path, exc_info=error)
    return _refusal(request, status.HTTP_503_SERVICE_UNAVAILABLE, NO_STORE)


@app.exception_handler(HTTPException)
def refused(request: Request, error: HTTPException) -> Response:
    """Say why a page is refused, as a page to a browser."""
    return _refusal(request, error.status_code, str(error.detail))


def _refusal(request: Request, code: int, why: str) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(problem_page(why), code, headers=FILE_HEADERS)
    return JSONResponse({"detail": why}, code)
