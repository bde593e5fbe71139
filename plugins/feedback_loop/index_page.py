"""Show on the loop's index what a task has just done."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from include.foundation.errors import FeedbackLoopError

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore

log = logging.getLogger(__name__)


def show(write: "Callable[[LoopStore], object]", store: "LoopStore") -> None:
    """Write the index; what cannot be written is logged, for it must not undo what was done, nor keep a rollback from it.

    Parameters
    ----------
    write
        Writes it.
    store
        Of the loop.
    """
    try:
        write(store)
    except FeedbackLoopError:
        log.exception(
            "The index of loop %s is not of now; the next task that ends a stage writes it anew", store.loop.name
        )
