"""Query by committee: how much the loop's last model versions disagree about a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

FEWEST = 2  # members


@dataclass(frozen=True)
class Committee:
    """Model versions that vote.

    Attributes
    ----------
    members
        At least two.
    """

    members: Sequence["LoadedModel"]

    def disagreement(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return the `vote_entropy` of the classes that the members predict of each row.

        Parameters
        ----------
        rows
            Of ``predictions``.

        Raises
        ------
        TrainingError
            If a member fails on these rows.
        """
        return vote_entropy(np.array([member.predict(rows)[0] for member in self.members]))


def vote_entropy(votes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the entropy of the votes on each row, in bits (Dagan & Engelson 1995).

    Parameters
    ----------
    votes
        Object of str, (members, rows): a class each.

    Returns
    -------
    ndarray of float64, (rows,)
        0 where all agree, at most the binary logarithm of the members.

    Examples
    --------
    >>> vote_entropy(np.array([["earn", "earn"], ["earn", "acq"]], dtype=object))
    array([0., 1.])
    """
    entropy = np.zeros(votes.shape[1])
    for name in np.unique(votes):
        share = (votes == name).mean(axis=0)
        entropy -= share * np.log2(np.where(share > 0, share, 1.0))
    return np.abs(entropy)


def committee_of(
    loop: Loop, load: Callable[[int], Sequence["LoadedModel"]] | None
) -> tuple[Committee | None, tuple[str, ...]]:
    """Return the committee that the loop file asks for, and why there is none if it does.

    Parameters
    ----------
    loop
        Says how many versions vote.
    load
        Returns the newest registered versions, at most so many; None where there is no registry.
    """
    policy = loop.selection.nominate.committee
    if policy is None:
        return None, ()
    members = [] if load is None else load(policy.versions)
    if len(members) < FEWEST:
        return None, (
            f"Nothing is chosen by a committee: {FEWEST} registered versions are needed, there are {len(members)}.",
        )
    return Committee(members), ()
