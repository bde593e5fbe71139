"""The application that takes hints of new answers from a labeling platform, which has no login but a secret."""

import hmac
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Annotated

from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import FastAPI, Header, HTTPException, Response, status

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from include.foundation.config.loading import valid_loops
from include.foundation.errors import FeedbackLoopError
from include.stages.labeling.backend_contract import HINT_HEADER

SECONDS = 60  # that a secret is known without the connection being read again

log = logging.getLogger(__name__)
# However many hints come and however long the store takes, no thread of Airflow waits, and of each loop one note does.
_writer = ThreadPoolExecutor(max_workers=1)
_waiting: set[str] = set()
app = FastAPI(title="Feedback Loop hints", openapi_url=None, docs_url=None, redoc_url=None)


@app.post("/{loop}", status_code=status.HTTP_204_NO_CONTENT)
def hint(
    loop: str,
    given: Annotated[str, Header(alias=HINT_HEADER)] = "",
) -> Response:
    """Have it noted that there may be new answers, and answer at once: the platform makes an annotator wait for it.

    The body is not read, whatever it is. Without the loop's secret every loop looks as if it did not exist.

    Parameters
    ----------
    loop, given
        Name of the loop, and the secret, as they came.
    """
    secret = _secret(loop, int(time.monotonic() // SECONDS)) if given and loop in _names() else None
    if secret is None or not hmac.compare_digest(given.encode(), secret.encode()):
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    if loop not in _waiting:
        _waiting.add(loop)
        _writer.submit(_note, loop)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _names() -> set[str]:
    return {loop.name for loop in valid_loops()}


@lru_cache(maxsize=256)
def _secret(loop: str, minute: int) -> str | None:
    """Return a loop's secret; None where there is none, or where it cannot be read."""
    try:
        return LabelingHook(loop).webhook_secret
    except AirflowNotFoundException:
        return None
    except FeedbackLoopError as error:
        log.warning("Hints for the loop %s are refused: %s", loop, error)
        return None


def _note(loop: str) -> None:
    _waiting.discard(loop)  # before it is written: a hint that comes meanwhile is of later answers
    try:
        from include.stages.labeling.hints import leave_hint

        leave_hint(LoopStoreHook(loop).get_conn())
    except Exception:  # nobody asks what became of it
        log.exception("A hint for the loop %s is lost; its answers are found by the next look", loop)
