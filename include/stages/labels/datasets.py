"""Datasets: versions of the table ``labels``, each named by a digest over every cell."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.decisions import PublishedDataset, latest, record
from include.foundation.digests import column_digest, table_digest
from include.foundation.errors import ContractError, NothingToDo, VersionGoneError
from include.foundation.store.ledgers.labeled_draws import CONTESTED, RANDOM, joined
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.rows import conform
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.label_origins import demand_own_labels, origins
from include.stages.labels.splits import former_splits_of, judge_what_is_known, splits_of
from include.stages.labels.straddling import straddling

NOT_DIGESTED = ("label_id", "supersedes", "decided_at", "request_id")


@dataclass(frozen=True)
class Dataset:
    """Rows of ``labels``, by split, with today's columns; ``digest`` is that of what was stored, ``version`` the table's.

    ``drawn`` are the randomly drawn rows as they were served, each with the label of its content, as
    `include.foundation.store.ledgers.labeled_draws.joined` returns them, whatever split the content is in; where it is None
    they are those of the holdout. ``contested`` are likewise the rows that were drawn where two models disagree.
    """

    digest: str
    version: int
    train: pa.Table
    holdout: pa.Table
    drawn: pa.Table | None = None
    contested: pa.Table | None = None


def publish_dataset(store: LoopStore, *, anyway: bool = False) -> PublishedDataset:
    """Publish the current labels as a dataset and record what changed since the last one.

    Parameters
    ----------
    store
        Tables of the loop.
    anyway
        Whether a person wants it, although too many labels only confirm the model.

    Returns
    -------
    PublishedDataset
        Its subject is the name of the dataset: the first 16 digits of the digest.

    Raises
    ------
    NothingToDo
        If there is no label, or none has changed since the last dataset.
    ConfigError
        If a label names a class of which the loop file does not say what became of it.
    DataQualityError
        If too many labels only confirm the model, see `include.stages.labels.label_origins.demand_own_labels`.
    """
    version = store.version("labels")
    if version is None:
        raise NothingToDo("There is no label yet: nothing to publish")
    former_names, retired = _former_names(store, version)
    draws_version = store.version("draws")
    dataset = _dataset(store, version, draws_version, former_names)
    last = latest(store, PublishedDataset)
    if last is not None and last.digest == dataset.digest:
        raise NothingToDo(f"No label changed since dataset {last.subject}")
    own = origins(dataset.train)
    told = demand_own_labels(store.loop, own, is_allowed=anyway)
    changes = _changes(dataset, _labels_of_last(store, last))
    left_out = (
        f" {retired} labels of retired classes are left out; their rows may be requested again." if retired else ""
    )
    return record(
        store,
        PublishedDataset(
            subject=dataset.digest[:16],
            reasons=(f"{_sizes(dataset)}; {_in_words(changes)}{left_out}", *told, *_warnings(store, dataset, last)),
            origins=own,
            allowed=anyway and any("publish_anyway" in sentence for sentence in told),
            digest=dataset.digest,
            labels_version=version,
            draws_version=draws_version,
            train=dataset.train.num_rows,
            holdout=dataset.holdout.num_rows,
            classes=dict(sorted(Counter(dataset.train.column("label").to_pylist()).items())),
            former_names=former_names,
            retired=retired,
            **changes,
        ),
    )


def publish_in_attempt(store: LoopStore, attempt: int, *, anyway: bool = False) -> PublishedDataset:
    """Publish a dataset or, in a later attempt, return the newest one if nothing has changed since.

    The attempt before may have been killed after it published, and what waits for the dataset must still be told of it.

    Parameters
    ----------
    store
        Tables of the loop.
    attempt
        Number of the attempt, from 1.
    anyway
        As in `publish_dataset`.

    Raises
    ------
    NothingToDo
        As `publish_dataset`, in the first attempt or if no dataset was ever published.
    """
    try:
        return publish_dataset(store, anyway=anyway)
    except NothingToDo:
        newest = latest(store, PublishedDataset)
        if attempt == 1 or newest is None:
            raise
        return newest


def read_dataset(store: LoopStore, name: str) -> Dataset:
    """Return a published dataset as it was, read from the version of ``labels`` that it was made of.

    Raises
    ------
    ContractError
        If no dataset of that name was published, or its rows are no longer those that were.
    VersionGoneError
        If the store no longer has that version.
    """
    published = _published(store, name)
    dataset = _dataset(store, published.labels_version, published.draws_version, published.former_names)
    if dataset.digest != published.digest:
        stored = _stored(store, published.labels_version, published.former_names)
        rows = _digested(*former_splits_of(stored))
        if published.digest in (column_digest(rows), table_digest(rows)):  # of an earlier version
            return replace(dataset, digest=published.digest)
        raise ContractError(f"Dataset {name}: got digest {dataset.digest}, expected {published.digest}")
    return dataset


def trained_on(store: LoopStore, name: str) -> set[str]:
    """Return the ids of a published dataset's training labels; none if the store no longer has its version of ``labels``."""
    try:
        return set(read_dataset(store, name).train.column("label_id").to_pylist())
    except VersionGoneError:
        return set()


def labels_by_trace_id(store: LoopStore, name: str) -> dict[str, str] | None:
    """Return each trace id's label in a published dataset; None if the store no longer has its version of ``labels``."""
    try:
        published = _published(store, name)
        return _labels(*splits_of(_stored(store, published.labels_version, published.former_names)))
    except VersionGoneError:
        return None


def _published(store: LoopStore, name: str) -> PublishedDataset:
    published = latest(store, PublishedDataset, name)
    if published is None:
        raise ContractError(f"No dataset {name!r} was published; run the label DAG")
    return published


def _dataset(
    store: LoopStore, version: int, draws_version: int | None, former_names: Mapping[str, str | None]
) -> Dataset:
    stored = _stored(store, version, former_names)
    train, holdout = splits_of(stored)
    judging = stored.filter(judge_what_is_known(stored))
    digest, columns = column_digest(_digested(train, judging, holdout)), store.schema("labels")
    labels, train, holdout = (
        conform(rows.select([name for name in rows.column_names if name in columns.names]), columns, "labels")
        for rows in (stored, train, holdout)
    )
    draws = store.schema("draws").empty_table() if draws_version is None else store.read("draws", version=draws_version)
    drawn, contested = (
        joined(_of_stratum(draws, stratum), labels, former=_of_stratum(labels, stratum))
        for stratum in (RANDOM, CONTESTED)
    )
    return Dataset(digest, version, train, holdout, drawn, contested)


def _of_stratum(rows: pa.Table, stratum: str) -> pa.Table:
    return rows.filter(pc.equal(rows.column("stratum"), stratum))


def _digested(*parts: pa.Table) -> pa.Table:
    return pa.concat_tables(parts).drop_columns(list(NOT_DIGESTED))


def _stored(store: LoopStore, version: int, former_names: Mapping[str, str | None]) -> pa.Table:
    """Return the current labels of a version, as stored, with former names of classes as they were read then."""
    rows = current_labels(store.read_stored("labels", version)).sort_by("trace_id")
    if not former_names:
        return rows
    as_labeled: dict[str, str | None] = {name: name for name in rows.column("label").to_pylist()}
    return Taxonomy((), as_labeled | {**former_names}).read_labels(rows)


def _former_names(store: LoopStore, version: int) -> tuple[dict[str, str | None], int]:
    """Return what the former names in the labels mean today, and the number of labels of retired classes."""
    taxonomy = Taxonomy.of(store.loop.task)
    rows = current_labels(
        store.read("labels", columns=["label_id", "supersedes", "label", "predicted"], version=version)
    )
    labels = rows.column("label").to_pylist()
    taxonomy.demand_declared(labels, "labels")
    used = {*labels, *rows.column("predicted").to_pylist()} & {*taxonomy.former}
    return {name: taxonomy.current(name) for name in sorted(used)}, sum(map(taxonomy.is_retired, labels))


def _labels_of_last(store: LoopStore, last: PublishedDataset | None) -> dict[str, str] | None:
    """Return the labels of the last dataset under today's names: a class that was renamed since is no change."""
    labels = labels_by_trace_id(store, last.subject) if last else {}
    taxonomy = Taxonomy.of(store.loop.task)
    return None if labels is None else {trace_id: taxonomy.shown(label) for trace_id, label in labels.items()}


def _changes(dataset: Dataset, last: dict[str, str] | None) -> dict[str, int | None]:
    if last is None:
        return dict.fromkeys(("added", "removed", "changed"))
    labels = _labels(dataset.train, dataset.holdout)
    return {
        "added": len(labels.keys() - last.keys()),
        "removed": len(last.keys() - labels.keys()),
        "changed": sum(labels[key] != last[key] for key in labels.keys() & last.keys()),
    }


def _warnings(store: LoopStore, dataset: Dataset, last: PublishedDataset | None) -> list[str]:
    """Return what a person should know of the first dataset before anything is trained on it."""
    found = None if last else straddling(store.loop, dataset.train, dataset.holdout)
    return [found] if found else []


def _sizes(dataset: Dataset) -> str:
    return f"{dataset.train.num_rows} labels to train on and {dataset.holdout.num_rows} held out"


def _in_words(changes: dict[str, int | None]) -> str:
    if changes["added"] is None:
        return "what changed is not known, since the version of labels that the last dataset was can be read no more."
    return (
        f"since the last dataset {changes['added']} added, {changes['changed']} changed, {changes['removed']} removed."
    )


def _labels(*parts: pa.Table) -> dict[str, str]:
    return {row["trace_id"]: row["label"] for part in parts for row in part.select(["trace_id", "label"]).to_pylist()}
