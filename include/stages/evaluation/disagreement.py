"""Where two models disagree in the logs: the only rows on which a label can decide between them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from include.foundation.store.tables import LoopStore
from include.stages.selection.frame import Frame, sampling_frame

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
    """Return where champion and challenger disagree in the last ``deploy.watch_days`` days of log time."""
    newest = store.read("predictions", columns=["ts"]).column("ts").to_pylist()
    if not newest:
        empty = sampling_frame(store, [("trace_id", "=", "")], challenger.challenger_key)
        return DisagreementWindow(0, 0.0, empty, [])
    since = max(newest) - timedelta(days=store.loop.deploy.watch_days)
    rows = store.read("predictions", filters=[("ts", ">", since)])
    apart = champion.predict(rows)[0] != challenger.predict(rows)[0]
    frame = sampling_frame(store, [("ts", ">", since)], challenger.challenger_key)
    askable = np.flatnonzero(champion.predict(frame.rows)[0] != challenger.predict(frame.rows)[0])
    return DisagreementWindow(rows.num_rows, float(apart.mean()), frame, [int(place) for place in askable])
