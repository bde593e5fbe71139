"""The best rows of a window that may be asked about: read again, if too many of the best ones were asked before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import Asked
from include.stages.selection.frame import Candidates, frame_of
from include.stages.selection.row_keys import Keys
from include.stages.selection.shortlists import Shortlist
from include.stages.selection.window import Wanted, Window, WindowReader

WIDER = 4  # times the capacity, whenever rows are read again


@dataclass(frozen=True)
class Pool:
    """What a batch is chosen from.

    Attributes
    ----------
    reader
        Reads the interval's rows.
    window
        What it read.
    wanted
        What was wanted of them.
    """

    reader: WindowReader
    window: Window
    wanted: Wanted

    def candidates(self, store: LoopStore, asked: Asked, reported: Candidates) -> Candidates:
        """Return what may be chosen: of each nomination the best rows, in a random order, then reported rows.

        Rows are read again where too many of the best ones were asked before.

        Parameters
        ----------
        store
            Tables of the loop.
        asked
            What was asked before.
        reported
            Rows that users reported, whenever they were served.
        """
        window, wanted = self.window, self.wanted
        while True:
            rows, contents = _united(window.shortlists)
            seed = (store.loop.selection.seed, self.reader.interval.key)
            candidates = trainable(frame_of(store, rows, seed, asked), asked)
            kept = self.reader.contents_of(candidates.rows)
            if all(_suffices(shortlist, kept) for shortlist in window.shortlists):
                every = candidates.extended(reported)
                return replace(every, repeats=self.reader.repeats(every.rows))
            known = np.union1d(wanted.known, np.setdiff1d(contents, kept))
            wanted = replace(wanted, capacity=WIDER * wanted.capacity, known=known)
            window = self.reader.read(wanted)


def trainable(candidates: Candidates, asked: Asked) -> Candidates:
    """Return the candidates that models may train on and that are no near duplicates of what was asked before."""
    return candidates.at(
        place
        for place, (near, split) in enumerate(zip(candidates.near_keys, candidates.splits, strict=True))
        if split != "holdout" and near not in asked.near_keys
    )


def _united(shortlists: Sequence[Shortlist]) -> tuple[pa.Table, Keys]:
    """Return one row of each content, of the first shortlist that has it, and the contents."""
    contents, first = np.unique(np.concatenate([each.contents for each in shortlists]), return_index=True)
    return pa.concat_tables([each.rows for each in shortlists]).take(pa.array(first)), contents


def _suffices(shortlist: Shortlist, kept: Keys) -> bool:
    """Tell whether half of a shortlist may be asked about, or it has all rows that there are."""
    return not shortlist.is_cut or 2 * int(np.isin(shortlist.contents, kept).sum()) >= shortlist.capacity
