"""Where two models disagree in the logs: the only rows on which a label can decide between them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.frame import Frame, frame_of

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


@dataclass(frozen=True)
class DisagreementWindow:
    """The newest logged rows, as both models predict them.

    Attributes
    ----------
    rows
        How many rows were logged in the window.
    share
        The share of them on which the models disagree, 0 to 1; it is counted, and needs no label.
    frame
        The sampling frame of the window, without what was requested or labeled before.
    candidates
        Positions in the frame of the rows on which the models disagree, ascending.
    """

    rows: int
    share: float
    frame: Frame
    candidates: list[int]


def disagreement_window(store: LoopStore, champion: "LoadedModel", challenger: "LoadedModel") -> DisagreementWindow:
    """Return where champion and challenger disagree in the last ``deploy.watch_days`` days of log time.

    Parameters
    ----------
    store
        Tables of the loop.
    champion, challenger
        The two models. The challenger's key is the seed of the frame's order.
    """
    newest = newest_moment(store, "predictions")
    window: Filter = [("day", "=", "")]  # opens no partition
    if newest is not None:
        since = newest - timedelta(days=store.loop.deploy.watch_days)
        window = [("ts", ">", since), ("day", ">=", f"{since:%Y-%m-%d}")]
    rows = store.read("predictions", filters=window)
    disagreeing = champion.predict(rows)[0] != challenger.predict(rows)[0]
    frame = frame_of(store, rows, challenger.challenger_key)
    candidates = [position for position, source in enumerate(frame.source_positions) if disagreeing[source]]
    return DisagreementWindow(rows.num_rows, float(disagreeing.mean()) if rows.num_rows else 0.0, frame, candidates)
