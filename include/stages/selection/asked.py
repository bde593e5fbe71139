"""What was asked or labeled before: each content once, and in one split for good."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval, moved
from include.foundation.store.ledgers.deployments import BEGINNING
from include.foundation.store.ledgers.outcomes import SUBJECT, current_labels, standing_requests
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

Split = Literal["train", "holdout"]


class Ask(NamedTuple):
    """The row that was asked for its content, when it was logged (None if that is not known), and the content's split."""

    trace_id: str
    ts: datetime | None
    split: Split


@dataclass(frozen=True)
class Asked:
    """Contents, their near duplicates and their groups that were asked or labeled before as a class of today.

    Attributes
    ----------
    trace_ids
        Of the rows that were asked.
    contents
        The newest ask of each content, by content key.
    former_keys
        Keys of contents that an earlier version asked.
    near_keys
        Of the contents.
    held_near_keys
        Of those that are held out.
    groups
        The split of each group, by group key.
    """

    trace_ids: set[str] = field(default_factory=set)
    contents: dict[str, Ask] = field(default_factory=dict)
    former_keys: set[str] = field(default_factory=set)
    near_keys: set[str] = field(default_factory=set)
    held_near_keys: set[str] = field(default_factory=set)
    groups: dict[str, Split] = field(default_factory=dict)

    def note(self, row: Mapping[str, Any]) -> None:
        """Add what a request or a label is about."""
        content, known = row["content_key"], self.contents.get(row["content_key"])
        if known is None or known.ts is None or (row["ts"] is not None and row["ts"] >= known.ts):
            self.contents[content] = Ask(row["trace_id"], row["ts"], row["split"])
        self.trace_ids.add(row["trace_id"])
        if row["near_key"] is None:
            self.former_keys.add(content)
        else:
            self.near_keys.add(row["near_key"])
            if row["split"] == "holdout":
                self.held_near_keys.add(row["near_key"])
        if row["group_key"] is not None and self.groups.get(row["group_key"]) != "holdout":
            self.groups[row["group_key"]] = row["split"]

    def knows(self, trace_id: str, content: str, former: str | None) -> bool:
        """Tell whether a row's content was asked.

        Parameters
        ----------
        trace_id, content
            Of the row.
        former
            The key that an earlier version gave its content; None where no such key is known.
        """
        return content in self.contents or trace_id in self.trace_ids or former in self.former_keys

    def answer_to(self, content: str, since: datetime) -> Ask | None:
        """Return the ask whose answer counts for a content; None if it was not asked since then. Undated seeds always count."""
        ask = self.contents.get(content)
        return ask if ask and (ask.ts is None or ask.ts >= since or ask.ts == BEGINNING) else None

    def split_of(self, content: str, near: str, group: str | None) -> Split | None:
        """Return the split that a row is bound to by its content, its group or a near duplicate in the holdout, if any.

        Parameters
        ----------
        content, near, group
            Keys of the row.
        """
        if content in self.contents:
            return self.contents[content].split
        if group in self.groups:
            return self.groups[group]
        return "holdout" if near in self.held_near_keys else None


def oldest_answer(loop: Loop, interval: Interval) -> datetime:
    """Return since when what was asked answers for a row of an interval."""
    return moved(interval.start, -timedelta(days=loop.split.holdout_days))


def asked_before(store: LoopStore, except_batch: str | None = None) -> Asked:
    """Return what requests and labels say was asked: all requests but those of one batch, and all current labels.

    What was labeled as a class that is retired now may be asked again.

    Parameters
    ----------
    store
        Tables of the loop.
    except_batch
        A batch whose requests are disregarded.
    """
    labels = store.read("labels", columns=["label_id", "supersedes", "label", *SUBJECT])
    labeled = Taxonomy.of(store.loop.task).without_retired(current_labels(labels))
    asked = Asked()
    for rows in (standing_requests(store, except_batch), labeled.select(list(SUBJECT))):
        for row in rows.to_pylist():
            asked.note(row)
    return asked
