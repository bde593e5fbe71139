"""Since when models train on a content, or on a group: what was served before that tells nothing of what is served next."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from include.foundation.store.ledgers.labeled_draws import are_trained_on
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore

ALWAYS = datetime.min.replace(tzinfo=UTC)  # seeds were there before the first row was served


@dataclass(frozen=True)
class FirstAsks:
    """When contents and groups that models train on were first asked about, by key, in log time.

    A row that was served later repeats what models know, as rows served tomorrow will. One that was served before is known to
    them because it, or its like, was chosen from these very rows.
    """

    contents: dict[str, datetime] = field(default_factory=dict)
    groups: dict[str, datetime] = field(default_factory=dict)

    def is_known(self, content: str, group: str | None, served: datetime) -> bool | None:
        """Return whether a row was served after its content, or its group, was first asked about; None if neither was.

        Parameters
        ----------
        content, group
            Keys of the row.
        served
            When it was.
        """
        first = self.contents.get(content) if group is None else self.groups.get(group)
        return None if first is None else first <= served


def first_asks(store: LoopStore, labels_version: int | None = None, challenger_key: str | None = None) -> FirstAsks:
    """Return since when models train on contents and groups.

    Parameters
    ----------
    store
        Tables of the loop.
    labels_version
        Version of ``labels`` that a challenger was trained on; the newest if None.
    challenger_key
        Of the challenger, which cannot have trained on what was asked to judge it.

    Raises
    ------
    VersionGoneError
        If the store no longer has that version.
    """
    columns = ["content_key", "group_key", "split", "stratum", "evidence_for", "request_id"]
    rows = current_labels(store.read("labels", columns=[*columns, "label_id", "supersedes"], version=labels_version))
    rows = rows.filter(are_trained_on(rows))
    asked = store.read("requests", columns=["request_id", "asked_at"])
    moments = dict(zip(*(asked.column(name).to_pylist() for name in asked.column_names), strict=True))
    asks = FirstAsks()
    for row in rows.select(columns).to_pylist():
        if challenger_key is not None and row["evidence_for"] == challenger_key:
            continue
        moment = moments.get(row["request_id"], ALWAYS)
        for known, key in ((asks.contents, row["content_key"]), (asks.groups, row["group_key"])):
            if key is not None:
                known[key] = min(known.get(key, moment), moment)
    return asks
