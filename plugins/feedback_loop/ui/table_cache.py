"""What pages say of a loop's tables, computed once for each of their versions, on one thread."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from feedback_loop.hooks.loop_store_hook import LoopStoreHook

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore

OPENED_FOR = 300  # seconds: credentials do not last for ever
Computed = TypeVar("Computed")

# One thread reads for all requests: what a store keeps of its tables, each thread would keep anew.
_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="feedback-loop-pages")
_computed: dict[tuple[str, str], tuple[Hashable, Any]] = {}


def of_tables(
    loop: str, digest: str, tables: Sequence[str], compute: "Callable[[LoopStore], Computed]", *more: Hashable
) -> Computed:
    """Return what is computed from a loop's tables; it is computed again when one of them, or the loop file, has changed.

    Parameters
    ----------
    loop, digest
        Name of the loop, and the digest of its file.
    tables
        Names of what it is computed from.
    compute
        Is given the store, opened anew, so that nothing it reads stays in memory. One function, one result a loop.
    *more
        What it depends on besides.

    Raises
    ------
    FeedbackLoopError
        If the store cannot be opened or read.
    airflow.sdk.exceptions.AirflowNotFoundException
        If there is no connection to the store.
    """
    return _reader.submit(_of_tables, loop, digest, tables, compute, more).result()


def _of_tables(
    loop: str, digest: str, tables: Sequence[str], compute: "Callable[[LoopStore], Computed]", more: Hashable
) -> Computed:
    opened = _opened(loop, digest, int(monotonic() / OPENED_FOR))
    state = (digest, *(opened.version(name) for name in tables), more)
    place = (loop, compute.__qualname__)
    if _computed.get(place, (None,))[0] != state:
        _computed[place] = (state, compute(LoopStoreHook(loop).get_conn()))
    computed: Computed = _computed[place][1]
    return computed


@lru_cache(maxsize=256)
def _opened(loop: str, digest: str, period: int) -> "LoopStore":
    """Return a store that is only asked for versions of its tables, which is fast while they are open."""
    return LoopStoreHook(loop).get_conn()
