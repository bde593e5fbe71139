"""Who of a tier's people is asked about a row: in turns, so that any two of them share rows."""

from collections import Counter
from collections.abc import Mapping, Sequence

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of, point_of

ANY_GROUP = 0.1  # of the rows, about which people are asked whatever their group


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
    Where the loop file has groups, those of a group who are ranked behind another one of it come later, but for a tenth of the
    rows.
    """
    group_of = {name: group for group, members in loop.labeling.groups.items() for name in members}
    if point_of("any group", trace_id, batch_id) < ANY_GROUP:
        group_of = {}
    asked: list[str] = []
    for number in range(1, tier + 1):
        people = sorted(loop.tier(number).people or [], key=lambda name: digest_of("asked", trace_id, batch_id, name))
        fresh = [name for name in people if name not in asked]
        ranked = [*_in_turns(fresh, group_of), *(name for name in people if name in asked)]
        own = ranked[: loop.tier(number).overlap]
        asked += own
    return sorted(own)


def _in_turns(people: Sequence[str], group_of: Mapping[str, str]) -> list[str]:
    """Return people with the first of each group before its second, and so on; who has no group is one of their own."""
    before: Counter[str] = Counter()
    turns = []
    for place, name in enumerate(people):
        group = group_of.get(name, f"alone {name}")
        turns.append((before[group], place, name))
        before[group] += 1
    return [name for _, _, name in sorted(turns)]
