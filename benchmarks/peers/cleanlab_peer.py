"""cleanlab: CROWDLAB with its defaults, on a file as `benchmarks.peers.answers` reads it; a model's label errors likewise."""

import sys
from typing import Any

import numpy as np
from cleanlab.multiannotator import get_label_quality_multiannotator  # type: ignore[import-not-found]

from benchmarks.peers.answers import judge


def decide(given: dict[str, Any]) -> Any:
    """Return, of each task, the quality that is said of the chosen class, and of the other classes what is left.

    Parameters
    ----------
    given
        Arrays of answers, and the model's probabilities.
    """
    model = given["probabilities"]
    answers = np.full((len(model), int(given["annotator"].max()) + 1), np.nan)
    answers[given["item"], given["annotator"]] = given["label"]
    found = get_label_quality_multiannotator(answers, model, verbose=False)["label_quality"]
    label, quality = (found[name].to_numpy() for name in ("consensus_label", "consensus_quality_score"))
    shares = np.repeat(((1 - quality) / (model.shape[1] - 1))[:, None], model.shape[1], axis=1)
    shares[np.arange(len(model)), label.astype(np.int64)] = np.maximum(quality, 1 / model.shape[1])
    return shares


if __name__ == "__main__":
    judge(sys.argv[1], decide)
