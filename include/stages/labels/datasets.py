"""A dataset: labels with a name, which is a table version and a digest over every cell."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from include.foundation.decisions import PublishedDataset, latest, record
from include.foundation.digests import table_digest
from include.foundation.errors import ContractError, NothingToDo, VersionGoneError
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore

LEFT_OUT = ("label_id", "supersedes", "decided_at", "request_id")


@dataclass(frozen=True)
class Dataset:
    """Rows of ``labels`` with their inputs, by split. ``digest`` covers every cell, ``version`` is the table's."""

    digest: str
    version: int
    train: pa.Table
    holdout: pa.Table


def publish_dataset(store: LoopStore) -> PublishedDataset:
    """Name the present labels and record what changed since the last dataset.

    Returns
    -------
    PublishedDataset
        Its subject, the first 16 digits of the digest, is the dataset's name.

    Raises
    ------
    NothingToDo
        If there is no label, or the newest dataset is the same.
    """
    version = store.version("labels")
    if version is None:
        raise NothingToDo("There is no label yet: nothing to publish")
    dataset = _dataset(store, version)
    before = latest(store, PublishedDataset)
    if before is not None and before.digest == dataset.digest:
        raise NothingToDo(f"No label changed since dataset {before.subject}")
    changes = _changes(dataset, known_labels(store, before.subject) if before else {})
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
    """Publish a dataset; in a later attempt return the newest if nothing changed since.

    The attempt before may have published it and then been killed, and who waits for the dataset must hear of it.

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
    """Return a published dataset as it was, by travelling to the version of its labels.

    Raises
    ------
    ContractError
        If no dataset of that name was published, or its rows are not those that were.
    """
    published = latest(store, PublishedDataset, name)
    if published is None:
        raise ContractError(f"No dataset {name!r} was published; run the label DAG")
    dataset = _dataset(store, published.labels_version)
    if dataset.digest != published.digest:
        raise ContractError(f"Dataset {name}: got digest {dataset.digest}, expected {published.digest}")
    return dataset


def trained_on(store: LoopStore, name: str) -> set[str]:
    """Return the ids of the training labels of a published dataset; none if its version can be read no more."""
    try:
        return set(read_dataset(store, name).train.column("label_id").to_pylist())
    except VersionGoneError:
        return set()


def known_labels(store: LoopStore, name: str) -> dict[str, str] | None:
    """Return the label of each trace id in a published dataset; None if its version of ``labels`` can be read no more."""
    try:
        return _labels(read_dataset(store, name))
    except VersionGoneError:
        return None


def _dataset(store: LoopStore, version: int) -> Dataset:
    rows = current_labels(store.read("labels", version=version)).sort_by("trace_id")
    splits = rows.column("split").to_pylist()
    held = {
        key for key, split in zip(rows.column("content_key").to_pylist(), splits, strict=True) if split == "holdout"
    }
    # Near duplicates share a split: what is held out is never trained on, whatever its trace id.
    train = [
        split == "train" and key not in held
        for key, split in zip(rows.column("content_key").to_pylist(), splits, strict=True)
    ]
    kept = {
        "train": pa.array(train, pa.bool_()),
        "holdout": pa.array([split == "holdout" for split in splits], pa.bool_()),
    }
    parts = {name: rows.filter(mask) for name, mask in kept.items()}
    covered = pa.concat_tables(list(parts.values())).drop_columns(list(LEFT_OUT))
    return Dataset(table_digest(covered), version, parts["train"], parts["holdout"])


def _changes(dataset: Dataset, old: dict[str, str] | None) -> dict[str, int | None]:
    if old is None:
        return dict.fromkeys(("added", "removed", "changed"))
    new = _labels(dataset)
    return {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "changed": sum(new[key] != old[key] for key in new.keys() & old.keys()),
    }


def _sizes(dataset: Dataset) -> str:
    return f"{dataset.train.num_rows} labels to train on and {dataset.holdout.num_rows} held out"


def _in_words(changes: dict[str, int | None]) -> str:
    if changes["added"] is None:
        return "what changed is not known, since the version of labels that the last dataset was can be read no more."
    return (
        f"since the last dataset {changes['added']} added, {changes['changed']} changed, {changes['removed']} removed."
    )


def _labels(dataset: Dataset) -> dict[str, str]:
    return {
        row["trace_id"]: row["label"]
        for part in (dataset.train, dataset.holdout)
        for row in part.select(["trace_id", "label"]).to_pylist()
    }
