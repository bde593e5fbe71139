"""What users corrected, as voices in the consensus: one for each kind of feedback, however many people it is of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loop_file import Loop
from include.foundation.statistics.votes import Votes
from include.foundation.store.ledgers.annotations import Annotation

KINDS = ("explicit", "implicit", "automated")


def users_count(loop: Loop) -> bool:
    """Tell whether users' corrections count in the consensus: only where it measures how reliable they are."""
    return loop.labels.users_count and loop.labels.consensus == "dawid_skene" and loop.labeling.overlap > 1


def may_count(request: Mapping[str, Any]) -> bool:
    """Tell whether the corrections of a requested row may count: only where its label can judge no model.

    Users correct what they notice, which is where a model was wrong. If that decided labels which judge models, the live one
    would seem worse than it is. Where annotators were shown a pre-label, the label judges nothing.

    Parameters
    ----------
    request
        ``stratum``, ``split``, ``tier`` and ``hidden_prelabel`` of it.
    """
    is_chosen = (request["stratum"], request["split"], request["tier"]) == ("certainty", "train", FIRST_TIER)
    return is_chosen and not request["hidden_prelabel"]


def user_votes(corrections: Sequence[Sequence[Annotation]], classes: Sequence[str]) -> Votes | None:
    """Return what users say of some items, as votes of `KINDS`; None if nothing.

    Parameters
    ----------
    corrections
        Of each item: the newest of each user.
    classes
        Class number c of the loop is label c.

    Notes
    -----
    The users of a kind are one annotator, who says what most of them say: were each of them one, a crowd of new accounts would
    outvote the annotators, for of none is known how reliable they are.
    """
    number = {name: place for place, name in enumerate(classes)}
    rows = [
        (item, kind, number[label])
        for item, said in enumerate(corrections)
        for kind, name in enumerate(KINDS)
        if (label := _most([each.label for each in said if each.is_vote and each.kind == name])) is not None
    ]
    if not rows:
        return None
    item, annotator, label = np.array(rows, dtype=np.int64).T
    return Votes(item, annotator, label, len(corrections), len(KINDS), len(classes))


def _most(labels: Sequence[str]) -> str | None:
    """Return the label that most people say; None where two are even."""
    counts = Counter(labels).most_common(2)
    return None if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]) else counts[0][0]
