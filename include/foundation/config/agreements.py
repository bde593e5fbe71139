"""What the keys of a loop file must agree on, beyond what each may be by itself."""

from collections.abc import Iterable, Iterator

from include.foundation.config.data_agreements import data_disagreements
from include.foundation.config.learning_agreements import learning_disagreements
from include.foundation.config.loop_file import Loop
from include.foundation.config.source_agreements import source_disagreements

Problem = tuple[str, str]


def disagreements(loop: Loop, wrong: Iterable[str] = ()) -> Iterator[Problem]:
    """Yield the key and a sentence for each pair of settings that cannot work together.

    Parameters
    ----------
    loop
        A loop whose keys are each valid.
    wrong
        Keys whose values are not the loop file's, because those were no valid ones: what rests on one of them is not said.
    """
    known = list(wrong)
    for keys, sentence in (*data_disagreements(loop), *source_disagreements(loop), *learning_disagreements(loop)):
        if not any(overlap(key, other) for key in keys for other in known):
            yield keys[0], sentence


def overlap(key: str, other: str) -> bool:
    """Tell whether one key is the other or leads to it.

    Examples
    --------
    >>> overlap("gate", "gate.slices"), overlap("gate.margin", "gate.slices")
    (True, False)
    """
    one, two = key.split("."), other.split(".")
    shorter = min(len(one), len(two))
    return one[:shorter] == two[:shorter]
