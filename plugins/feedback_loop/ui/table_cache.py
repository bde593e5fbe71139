"""What pages say of a loop's tables, computed once for each of their versions, on one thread, unless a task kept it."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from feedback_loop.hooks.loop_store_hook import LoopStoreHook

if TYPE_CHECKING:
    from include.foundation.config.loop_file import Loop
    from include.foundation.store.tables import LoopStore
    from include.stages.reports.kept_pages import Kept

OPENED_FOR = 300  # seconds: credentials do not last for ever
Computed = TypeVar("Computed")

# One thread reads tables for all requests: what a store keeps of its tables, each thread would keep anew.
_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="feedback-loop-pages")
_computed: dict[tuple[str, str], tuple[Hashable, Any]] = {}
_stores: "dict[str, tuple[Hashable, LoopStore]]" = {}  # one of each loop, however long the server runs


def told(loop: "Loop", kept: "Kept[Computed]", now: datetime) -> Computed:
    """Return what pages say of a loop: as before while its tables stay, as a task kept it, or computed now.

    Parameters
    ----------
    loop
        The loop.
    kept
        What it is.
    now
        By the clock.

    Raises
    ------
    FeedbackLoopError
        If the store cannot be opened or read.
    airflow.sdk.exceptions.AirflowNotFoundException
        If there is no connection to the store.
    """
    store = _opened(loop)
    key = kept.key(store, now)

    def compute(opened: "LoopStore") -> Computed:
        return kept.tell(opened, now)

    return _once(loop.name, kept.name, key, lambda: kept.read(store, key), compute)


def of_tables(
    loop: "Loop", tables: Sequence[str], compute: "Callable[[LoopStore], Computed]", *more: Hashable
) -> Computed:
    """Return what is computed from a loop's tables; it is computed again when one of them, or the loop file, has changed.

    Parameters
    ----------
    loop
        The loop.
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
    store = _opened(loop)
    state = (loop.digest, *(store.listed_version(name) for name in tables), more)
    return _once(loop.name, compute.__qualname__, state, lambda: None, compute)


def _once(
    loop: str,
    name: str,
    state: Hashable,
    read: Callable[[], Computed | None],
    compute: "Callable[[LoopStore], Computed]",
) -> Computed:
    place = (loop, name)
    if _computed.get(place, (None,))[0] != state:
        kept = read()
        if kept is None:
            kept = _reader.submit(lambda: compute(LoopStoreHook(loop).get_conn())).result()
        _computed[place] = (state, kept)
    computed: Computed = _computed[place][1]
    return computed


def _opened(loop: "Loop") -> "LoopStore":
    """Return a store whose tables are not opened: only their logs are listed, and files beside them read."""
    state = (loop.digest, int(monotonic() / OPENED_FOR))
    known = _stores.get(loop.name)
    if known is None or known[0] != state:
        known = _stores[loop.name] = (state, LoopStoreHook(loop.name).get_conn())
    return known[1]
