"""Consensus: several answers become one label, with the probability that it is right."""

from collections.abc import Sequence

import numpy as np

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.latent_classes import Votes, dawid_skene, majority
from include.foundation.store.ledgers.annotations import Annotation


def votes_of(annotations: Sequence[Annotation], classes: Sequence[str]) -> tuple[Votes, list[str]]:
    """Return annotations as votes, and the annotators' pseudonyms in the order of their indices.

    Parameters
    ----------
    annotations
        At most one of each annotator to each request. The requests, in the order of their ids, are the items.
    classes
        Class number c of the loop is label c; every annotation is one of them.
    """
    requests, annotators, labels = (
        {name: number for number, name in enumerate(names)}
        for names in (
            sorted({annotation.request_id for annotation in annotations}),
            sorted({annotation.annotator for annotation in annotations}),
            classes,
        )
    )
    rows = [(requests[each.request_id], annotators[each.annotator], labels[each.label]) for each in annotations]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Votes(item, annotator, label, len(requests), len(annotators), len(classes)), list(annotators)


CONSENSUS = {"majority": majority, "dawid_skene": dawid_skene}


def consensus_of(loop: Loop) -> str:
    """Return the consensus that decides: the loop file's, but of an only answer nothing is to be weighed against another."""
    return "majority" if loop.labeling.overlap == 1 else loop.labels.consensus
