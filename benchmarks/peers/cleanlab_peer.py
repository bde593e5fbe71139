"""cleanlab: CROWDLAB with its defaults on what `benchmarks.peers.answers` reads; ``errors``: label errors of the majority."""

import sys
from typing import Any

import numpy as np
from cleanlab.filter import find_label_issues  # type: ignore[import-not-found]  # in its own environment
from cleanlab.multiannotator import get_label_quality_multiannotator  # type: ignore[import-not-found]

from benchmarks.peers.answers import accuse, judge


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


def errors(labels: Any, probabilities: Any) -> Any:
    """Return which labels the confident joint suspects.

    Parameters
    ----------
    labels, probabilities
        As `benchmarks.peers.answers.accuse` gives them.
    """
    return find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)


if __name__ == "__main__":
    if sys.argv[2:]:
        accuse(sys.argv[1], errors)
    else:
        judge(sys.argv[1], decide)
