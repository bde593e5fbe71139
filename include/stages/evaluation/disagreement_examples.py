"""Some rows on which champion and challenger disagree, for people to look at."""

from collections.abc import Iterator, Sequence
from itertools import islice

from include.foundation.decisions.challenger_evaluation import DisagreementExample
from include.stages.evaluation.judged_rows import JudgedRows

MOST = 6  # of each model's


def disagreement_examples(parts: Sequence[JudgedRows]) -> tuple[DisagreementExample, ...]:
    """Return rows that one of the models is right on and the other is not: first the challenger's, then the champion's.

    Parameters
    ----------
    parts
        Labeled rows; of a label that is in several, or several times, the first counts.

    Returns
    -------
    tuple of DisagreementExample
        At most six of each, in the order of their labels' ids, which are digests: no row is chosen for what it says. Empty
        without a champion.
    """
    unique = {example.label_id: example for part in parts for example in _disagreements(part)}
    ordered = [unique[label_id] for label_id in sorted(unique)]
    challengers = (example for example in ordered if example.challenger == example.label)
    champions = (example for example in ordered if example.champion == example.label)
    return (*islice(challengers, MOST), *islice(champions, MOST))


def _disagreements(rows: JudgedRows) -> Iterator[DisagreementExample]:
    if rows.champion_predictions is None:
        return
    both = zip(rows.champion_predictions.tolist(), rows.challenger_predictions.tolist(), strict=True)
    for label_id, label, (champion, challenger) in zip(rows.label_ids, rows.labels, both, strict=True):
        if champion != challenger:
            yield DisagreementExample(label_id, label, champion, challenger)
