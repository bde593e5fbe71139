"""Where two models disagree in the logs: the only rows on which a label can decide between them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.frame import Frame, frame_of

if TYPE_CHECKING:
    from include.foundation.models.registry import LoadedModel


@dataclass(frozen=True)
class DisagreementWindow:
    """The newest logged rows as both models see them.

    ``share`` is the census over all rows of the window, known without any label; ``askable`` are positions in ``frame``,
    which leaves out what was asked before.
    """

    rows: int
    share: float
    frame: Frame
    askable: list[int]


def disagreement_window(store: LoopStore, champion: "LoadedModel", challenger: "LoadedModel") -> DisagreementWindow:
    """Return where champion and challenger disagree in the last ``deploy.watch_days`` days of log time.

    Parameters
    ----------
    store
        Tables of the loop.
    champion, challenger
        The two models; the frame's order depends on the challenger's key.
    """
    newest = newest_moment(store, "predictions")
    window: Filter = [("day", "=", "")]  # no partition is opened
    if newest is not None:
        since = newest - timedelta(days=store.loop.deploy.watch_days)
        window = [("ts", ">", since), ("day", ">=", f"{since:%Y-%m-%d}")]
    rows = store.read("predictions", filters=window)
    apart = champion.predict(rows)[0] != challenger.predict(rows)[0]
    frame = frame_of(store, rows, challenger.challenger_key)
    askable = [position for position, place in enumerate(frame.places) if apart[place]]
    return DisagreementWindow(rows.num_rows, float(apart.mean()) if rows.num_rows else 0.0, frame, askable)
