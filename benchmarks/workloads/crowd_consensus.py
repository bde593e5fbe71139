"""Our consensus, or the shares of the answers as limit, on a file that `benchmarks.peers.answers` reads: ``METHOD FILE``."""

import sys
from typing import Any

import numpy as np

from benchmarks.measuring import leave
from benchmarks.peers.answers import accuse, judge
from include.foundation.statistics.label_errors import suspected_errors


def alone(given: dict[str, Any]) -> Any:
    """Return what the annotators say."""
    from include.foundation.statistics.latent_classes import dawid_skene

    return dawid_skene(_votes(given)).probabilities


def with_model(given: dict[str, Any]) -> Any:
    """Return what the annotators say, with the model as prior."""
    from include.foundation.statistics.latent_classes import dawid_skene
    from include.foundation.statistics.model_prior import ModelPrior

    votes, model = _votes(given), given["probabilities"]
    answers = np.bincount(votes.item, minlength=votes.items)
    return dawid_skene(votes, model=ModelPrior(model, np.zeros(votes.items, dtype=np.int64), answers)).probabilities


def limit(given: dict[str, Any]) -> Any:
    """Return the shares of the answers: what reads the same and weighs nothing."""
    tasks, classes = given["probabilities"].shape
    counts = np.bincount(given["item"] * classes + given["label"], minlength=tasks * classes).reshape(tasks, classes)
    return counts / counts.sum(axis=1, keepdims=True)


def _votes(given: dict[str, Any]) -> Any:
    from include.foundation.statistics.votes import Votes

    tasks, classes = given["probabilities"].shape
    return Votes(
        given["item"], given["annotator"], given["label"], tasks, int(given["annotator"].max()) + 1, classes
    )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "label_errors":
        accuse(sys.argv[2], suspected_errors)
        leave()
    judge(sys.argv[2], {"alone": alone, "with_model": with_model, "limit": limit}[sys.argv[1]])
    leave()
