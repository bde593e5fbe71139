"""Datasets: versions of the table ``labels``, each named by a digest over every cell."""

from collections import Counter
from dataclasses import dataclass, replace

import pyarrow as pa

from include.foundation.decisions import PublishedDataset, latest, record
from include.foundation.digests import column_digest, table_digest
from include.foundation.errors import ContractError, NothingToDo, VersionGoneError
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore

NOT_DIGESTED = ("label_id", "supersedes", "decided_at", "request_id")


@dataclass(frozen=True)
class Dataset:
    """Rows of ``labels``, by split; ``digest`` is that of their content, ``version`` that of the table."""

    digest: str
    version: int
    train: pa.Table
    holdout: pa.Table


def publish_dataset(store: LoopStore) -> PublishedDataset:
    """Publish the current labels as a dataset and record what changed since the last one.

    Returns
    -------
    PublishedDataset
        Its subject is the name of the dataset: the first 16 digits of the digest.

    Raises
    ------
    NothingToDo
        If there is no label, or none has changed since the last dataset.
    """
    version = store.version("labels")
    if version is None:
        raise NothingToDo("There is no label yet: nothing to publish")
    dataset = _dataset(store, version)
    last = latest(store, PublishedDataset)
    if last is not None and last.digest == dataset.digest:
        raise NothingToDo(f"No label changed since dataset {last.subject}")
    changes = _changes(dataset, labels_by_trace_id(store, last.subject) if last else {})
    return record(
        store,
        PublishedDataset(
            subject=dataset.digest[:16],
            reasons=(f"{_sizes(dataset)}; {_in_words(changes)}",),
            digest=dataset.digest,
            labels_version=version,
            train=dataset.train.num_rows,
            holdout=dataset.holdout.num_rows,
            classes=dict(sorted(Counter(dataset.train.column("label").to_pylist()).items())),
            **changes,
        ),
    )


def publish_in_attempt(store: LoopStore, attempt: int) -> PublishedDataset:
    """Publish a dataset or, in a later attempt, return the newest one if nothing has changed since.

    The attempt before may have been killed after it published, and what waits for the dataset must still be told of it.

    Parameters
    ----------
    store
        Tables of the loop.
    attempt
        Number of the attempt, from 1.

    Raises
    ------
    NothingToDo
        As `publish_dataset`, in the first attempt or if no dataset was ever published.
    """
    try:
        return publish_dataset(store)
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
    dataset = _dataset(store, published.labels_version)
    if dataset.digest != published.digest:
        if table_digest(_digested(dataset.train, dataset.holdout)) == published.digest:  # of an earlier version
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
        return _labels(*_splits(store, _published(store, name).labels_version))
    except VersionGoneError:
        return None


def _published(store: LoopStore, name: str) -> PublishedDataset:
    published = latest(store, PublishedDataset, name)
    if published is None:
        raise ContractError(f"No dataset {name!r} was published; run the label DAG")
    return published


def _dataset(store: LoopStore, version: int) -> Dataset:
    train, holdout = _splits(store, version)
    return Dataset(column_digest(_digested(train, holdout)), version, train, holdout)


def _digested(train: pa.Table, holdout: pa.Table) -> pa.Table:
    return pa.concat_tables([train, holdout]).drop_columns(list(NOT_DIGESTED))


def _splits(store: LoopStore, version: int) -> tuple[pa.Table, pa.Table]:
    """Return the rows to train on and those held out."""
    rows = current_labels(store.read("labels", version=version)).sort_by("trace_id")
    keys, splits = rows.column("content_key").to_pylist(), rows.column("split").to_pylist()
    holdout_keys = {key for key, split in zip(keys, splits, strict=True) if split == "holdout"}
    # Content of the holdout is never trained on, also where near duplicates were once requested in both splits.
    is_train = [split == "train" and key not in holdout_keys for key, split in zip(keys, splits, strict=True)]
    train = rows.filter(pa.array(is_train, pa.bool_()))
    holdout = rows.filter(pa.array([split == "holdout" for split in splits], pa.bool_()))
    return train, holdout


def _changes(dataset: Dataset, last: dict[str, str] | None) -> dict[str, int | None]:
    if last is None:
        return dict.fromkeys(("added", "removed", "changed"))
    labels = _labels(dataset.train, dataset.holdout)
    return {
        "added": len(labels.keys() - last.keys()),
        "removed": len(last.keys() - labels.keys()),
        "changed": sum(labels[key] != last[key] for key in labels.keys() & last.keys()),
    }


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
