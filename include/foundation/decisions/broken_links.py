"""Whether the chain of decisions is what was recorded."""

from include.foundation.decisions.chain import BEGINNING, HEAD, Link, digest_of_evidence, head, link_hash
from include.foundation.store.tables import LoopStore


def broken_links(store: LoopStore, checked: Link = BEGINNING) -> list[str]:
    """Return what is wrong with the chain: nothing if no decision was changed, removed, inserted or cut off at the end.

    Parameters
    ----------
    store
        Tables of the loop.
    checked
        A decision that an earlier check found right, with all before it: only what follows it is looked at. All by default.
    """
    problems, previous = [], checked.hash
    rows = store.read("decisions", filters=[("sequence", ">=", checked.sequence)]).sort_by("sequence").to_pylist()
    if checked.sequence:
        known, rows = rows[:1], rows[1:]
        if [(row["sequence"], row["hash"]) for row in known] != [(checked.sequence, checked.hash)]:
            return [f"decision {checked.sequence}: is not the one that the last check found"]
    for expected, row in enumerate(rows, start=checked.sequence + 1):
        if row["sequence"] != expected:
            problems.append(f"sequence: got {row['sequence']}, expected {expected}")
        if row["previous_hash"] != previous:
            problems.append(f"decision {row['sequence']}: does not follow the one before it")
        if row["hash"] != link_hash(row) or row["evidence_digest"] != digest_of_evidence(row):
            problems.append(f"decision {row['sequence']} ({row['kind']} {row['subject']}): content was changed")
        previous = row["hash"]
    return problems + _cut_off(head(store), checked, [row["hash"] for row in rows])


def _cut_off(noted: Link, checked: Link, hashes: list[str]) -> list[str]:
    """Return whether decisions at the end of the chain were removed or replaced since the newest one was noted."""
    newest = checked.sequence + len(hashes)
    if not noted.sequence:
        # Killed before it could note its only decision, a process leaves none noted.
        return [f"{HEAD}: missing; the newest decisions may have been cut off"] if newest > 1 else []
    if noted.sequence > newest:
        return [f"decisions {newest + 1} to {noted.sequence}: were recorded and are missing"]
    present = [checked.hash, *hashes][max(noted.sequence - checked.sequence, 0)]
    changed = f"decision {noted.sequence}: is not the one that was recorded; it and those after it were replaced"
    return [] if noted.sequence < checked.sequence or present == noted.hash else [changed]
