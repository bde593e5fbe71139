"""Who of a tier's people is asked about a row: in turns, so that any two of them share rows."""

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of


def assigned_people(loop: Loop, trace_id: str, batch_id: str, tier: int) -> list[str]:
    """Return the people of a tier that are asked about a row, as many as its overlap; empty where the loop file names none.

    Parameters
    ----------
    loop
        Names the people of each tier.
    trace_id, batch_id
        Of the row, and of the batch that asks about it.
    tier
        From 1. Who was asked in a tier before is not asked again, as far as there are others.

    Notes
    -----
    People are ranked by a hash of the row and their name (rendezvous hashing, Thaler & Ravishankar 1998). So each has the same
    share of the rows, every pair shares rows, which makes agreement measurable, and who joins or leaves changes only their own.
    """
    asked: list[str] = []
    for number in range(1, tier + 1):
        people = sorted(loop.tier(number).people or [], key=lambda name: digest_of("asked", trace_id, batch_id, name))
        fresh = [name for name in people if name not in asked]
        own = [*fresh, *(name for name in people if name in asked)][: loop.tier(number).overlap]
        asked += own
    return sorted(own)
