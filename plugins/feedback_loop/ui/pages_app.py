"""The application that serves a loop's pages, each to who may see the task instances of the DAGs that wrote it."""

import logging
import re

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, get_user, requires_access_dag
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import Depends, FastAPI, HTTPException, Request, Response, status

from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from include.foundation.config.loading import valid_loops
from include.foundation.errors import FeedbackLoopError, NoSuchFileError

# Which stages' DAGs write into a folder of the loop's files; other folders are not served.
WRITTEN_BY = {
    "drift": ("observe",),
    "evaluations": ("retrain",),
    "expectations": ("observe", "label"),
    "reports": ("retrain",),
}
EVERY_STAGE = ("observe", "label", "retrain", "guard")
# No part begins with a dot: neither a way up nor a file that is being written is a page.
PAGE = re.compile(r"[a-z]+(/\w[\w.+-]*)+\.(html|png)", re.ASCII)
CONTENT_TYPES = {"html": "text/html; charset=utf-8", "png": "image/png"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
NO_CONNECTION = (
    "The API server does not know the connection feedback_store: give it to this process as well as to the workers, in "
    "the environment (AIRFLOW_CONN_FEEDBACK_STORE), in Airflow's database or in its secrets backend"
)
NO_STORE = "The store cannot be read; the API server's log says why"

log = logging.getLogger(__name__)


def requires_access(request: Request, user: GetUserDep, loop: str, path: str) -> None:
    """Demand that the user may see the task instances of every DAG that writes into the page's folder.

    Parameters
    ----------
    request, user
        Given by FastAPI.
    loop, path
        Of the page, from its address.
    """
    for stage in WRITTEN_BY.get(path.partition("/")[0], EVERY_STAGE):
        requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE, f"{loop}.{stage}")(request, user)


# Airflow checks nothing in an application that a plugin mounts: whatever is added here is refused to who is not logged in.
app = FastAPI(
    title="Feedback Loop pages", dependencies=[Depends(get_user)], openapi_url=None, docs_url=None, redoc_url=None
)


@app.get("/{loop}/files/{path:path}", dependencies=[Depends(requires_access)])
def page(loop: str, path: str) -> Response:
    """Return a page or a picture. FastAPI runs this in a thread, as reading the store blocks."""
    is_page = PAGE.fullmatch(path) and path.partition("/")[0] in WRITTEN_BY
    if not is_page or loop not in {known.name for known in valid_loops()}:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no page {path!r} of a loop {loop!r}")
    return Response(_content(loop, path), media_type=CONTENT_TYPES[path.rpartition(".")[2]], headers=HEADERS)


def _content(loop: str, path: str) -> bytes:
    from include.foundation.store.loop_files import read_file

    try:
        return read_file(LoopStoreHook(loop).get_conn(), path)
    except NoSuchFileError:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no page {path!r} of the loop {loop!r}") from None
    except AirflowNotFoundException:
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, NO_CONNECTION) from None
    except FeedbackLoopError as error:
        log.exception("Page %s of the loop %s cannot be read", path, loop)
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, NO_STORE) from error
