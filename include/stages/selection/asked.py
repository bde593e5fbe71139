"""What was asked or labeled before: each content once, and in one split for good."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import moved
from include.foundation.store.ledgers.labeled_draws import are_trained_on
from include.foundation.store.ledgers.outcomes import SUBJECT, current_labels, standing_requests
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.selection.content import split_point

Split = Literal["train", "holdout"]
GROUPS_HELD_OUT = 0.5  # share of the groups
JUDGED = ("evidence_for", "hidden_prelabel")


class Ask(NamedTuple):
    """The row that was asked for its content.

    Attributes
    ----------
    trace_id, split
        Of the row.
    judges
        Whether the answer may judge a model: annotators saw no pre-label, and no model that it judges trains on it.
    logged
        Its time in microseconds since 1970; 0 where it is not known.
    """

    trace_id: str
    split: Split
    judges: bool
    logged: int


@dataclass(frozen=True)
class Asked:
    """Contents, their near duplicates and their groups that were asked or labeled before as a class of today.

    Attributes
    ----------
    trace_ids
        Of the rows that were asked.
    contents
        The newest ask of each content, by content key; the newest one that may judge if there is one.
    former_keys
        Keys of contents that an earlier version asked.
    near_keys
        Of the contents.
    held_near_keys
        Of those that are held out.
    groups
        The split of each group, by group key.
    evidence
        How ``evidence_for`` begins of asks whose models were trained before: their answers may judge these models.
    """

    trace_ids: set[str] = field(default_factory=set)
    contents: dict[str, Ask] = field(default_factory=dict)
    former_keys: set[str] = field(default_factory=set)
    near_keys: set[str] = field(default_factory=set)
    held_near_keys: set[str] = field(default_factory=set)
    groups: dict[str, Split] = field(default_factory=dict)
    evidence: str | None = None

    def note(self, rows: pa.Table) -> None:
        """Add what requests or labels are about, see `SUBJECT`."""
        trace_ids, contents, nears, groups, splits = (rows.column(name).to_pylist() for name in SUBJECT[:5])
        logged = pc.fill_null(rows.column("ts").cast(pa.int64()), 0).to_pylist()
        for content, ask in zip(contents, map(Ask, trace_ids, splits, self._judge(rows), logged), strict=True):
            known = self.contents.get(content, ask)
            if (ask.judges, ask.logged) >= (known.judges, known.logged):
                self.contents[content] = ask
        self.trace_ids.update(trace_ids)
        self.near_keys.update(near for near in nears if near is not None)
        self.held_near_keys.update(
            near for near, split in zip(nears, splits, strict=True) if near is not None and split == "holdout"
        )
        self.former_keys.update(content for content, near in zip(contents, nears, strict=True) if near is None)
        for group, split in zip(groups, splits, strict=True):
            if group is not None and self.groups.get(group) != "holdout":
                self.groups[group] = split

    def _judge(self, rows: pa.Table) -> list[bool]:
        """Return which answers may judge a model."""
        trained, judged, hidden = (are_trained_on(rows).to_pylist(), *(rows.column(n).to_pylist() for n in JUDGED))
        own = [self.evidence is not None and (key or "").startswith(self.evidence) for key in judged]
        return [
            was_hidden is not False and (is_own or not is_trained)
            for was_hidden, is_own, is_trained in zip(hidden, own, trained, strict=True)
        ]

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

    def answering(self, contents: Iterable[str], since: datetime) -> dict[str, str]:
        """Return the row whose answer counts for each content that was asked since then to judge models, by content key.

        Parameters
        ----------
        contents
            Content keys.
        since
            An older answer counts for no other row, nor does that of a seed without a time.
        """
        oldest = since.timestamp() * 1e6
        asks = ((content, self.contents.get(content)) for content in contents)
        return {content: ask.trace_id for content, ask in asks if ask and ask.judges and ask.logged >= oldest}

    def split_of(self, content: str, near: str, group: str | None) -> Split | None:
        """Return the split that a row is bound to by its content, its group or a near duplicate in the holdout, if any.

        A group that was not asked before is in the split that a hash of it says: were it held out for being drawn at random
        first, groups that are served often would all be, and those that are chosen for training would never judge.

        Parameters
        ----------
        content, near, group
            Keys of the row.
        """
        if content in self.contents:
            return self.contents[content].split
        if group is not None:
            return self.groups.get(group) or ("holdout" if is_held_out(group) else "train")
        return "holdout" if near in self.held_near_keys else None


def is_held_out(group: str) -> bool:
    """Return whether a hash of its key holds a group out that was not asked before."""
    return split_point(group) < GROUPS_HELD_OUT


def oldest_answer(loop: Loop, moment: datetime) -> datetime:
    """Return since when what was asked answers for a row that was served at a moment."""
    return moved(moment, -timedelta(days=loop.split.answer_days))


def asked_before(store: LoopStore, except_batch: str | None = None, *, evidence: str | None = None) -> Asked:
    """Return what requests and labels say was asked: all requests but those of one batch, and all current labels.

    What was labeled as a class that is retired now may be asked again.

    Parameters
    ----------
    store
        Tables of the loop.
    except_batch
        A batch whose requests are disregarded.
    evidence
        How ``evidence_for`` begins of requests that were made after the models in question were trained.
    """
    asked, requests = Asked(evidence=evidence), standing_requests(store, except_batch)
    asked.note(requests)
    labels = store.read("labels", columns=["label_id", "supersedes", "label", *SUBJECT])
    labeled = Taxonomy.of(store.loop.task).without_retired(current_labels(labels))
    is_requested = pc.is_in(labeled.column("trace_id"), value_set=requests.column("trace_id").combine_chunks())
    asked.note(labeled.filter(pc.invert(is_requested)))
    return asked
