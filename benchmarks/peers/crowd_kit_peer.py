"""crowd-kit: ``ds``, ``onecoin``, ``mace`` or ``majority`` with its defaults, on what `benchmarks.peers.answers` reads."""

import sys
from typing import Any

import pandas as pd
from crowdkit.aggregation import (  # type: ignore[import-not-found]  # in its own environment
    MACE,
    DawidSkene,
    MajorityVote,
    OneCoinDawidSkene,
)

from benchmarks.peers.answers import judge

METHODS = {"ds": DawidSkene, "onecoin": OneCoinDawidSkene, "mace": MACE, "majority": MajorityVote}


def decide(given: dict[str, Any], method: str) -> Any:
    """Return the probabilities of the classes.

    Parameters
    ----------
    given
        Arrays of answers.
    method
        One of `METHODS`.
    """
    frame = pd.DataFrame({"task": given["item"], "worker": given["annotator"], "label": given["label"]})
    rule = METHODS[method]()
    found = rule.fit_predict_proba(frame)
    return found.reindex(columns=range(given["probabilities"].shape[1]), fill_value=0.0).sort_index().to_numpy()


if __name__ == "__main__":
    judge(sys.argv[1], lambda given: decide(given, sys.argv[2]))
