"""Consensus: several answers become one label, with the probability that it is right."""

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.latent_classes import dawid_skene, majority

CONSENSUS = {"majority": majority, "dawid_skene": dawid_skene}


def consensus_of(loop: Loop) -> str:
    """Return the consensus that decides: the loop file's, but of an only answer nothing is to be weighed against another."""
    return "majority" if loop.labeling.overlap == 1 else loop.labels.consensus
