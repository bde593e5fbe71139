"""Datasets: versions of the table ``labels``, each named by a digest over every cell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.decisions import PublishedDataset, latest
from include.foundation.digests import column_digest, table_digest
from include.foundation.errors import ContractError, VersionGoneError
from include.foundation.store.ledgers.labeled_draws import CONTESTED, RANDOM, joined
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.rows import conform
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.released_rows import Release
from include.stages.labels.splits import former_splits_of, judge_what_is_known, splits_of

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
    release = Release(*published.release, published.held_since)
    dataset = dataset_of(store, published.labels_version, published.draws_version, published.former_names, release)
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
        return labels_of(*splits_of(_stored(store, published.labels_version, published.former_names)))
    except VersionGoneError:
        return None


def _published(store: LoopStore, name: str) -> PublishedDataset:
    published = latest(store, PublishedDataset, name)
    if published is None:
        raise ContractError(f"No dataset {name!r} was published; run the label DAG")
    return published


def dataset_of(
    store: LoopStore,
    version: int,
    draws_version: int | None,
    former_names: Mapping[str, str | None],
    release: Release,
) -> Dataset:
    """Return the dataset that versions of ``labels`` and ``draws`` make.

    Parameters
    ----------
    store
        Tables of the loop.
    version, draws_version
        Of the tables; None where nothing was drawn yet.
    former_names
        What each former name of a class meant then; None of a retired one, whose labels are left out.
    release
        Which held-out rows are trained on.
    """
    stored = _stored(store, version, former_names)
    draws = store.schema("draws").empty_table() if draws_version is None else store.read("draws", version=draws_version)
    labels = _conformed(store, stored)
    drawn, contested = (
        joined(_of_stratum(draws, stratum), labels, former=_of_stratum(labels, stratum))
        for stratum in (RANDOM, CONTESTED)
    )
    released = release.contents(drawn, splits_of(labels)[1], draws)
    train, holdout = splits_of(stored, released)
    judging = stored.filter(judge_what_is_known(stored))
    digest = column_digest(_digested(train, judging, holdout))
    train, holdout = (_conformed(store, rows) for rows in (train, holdout))
    return Dataset(digest, version, train, holdout, release.thinned(drawn, released), contested)


def _conformed(store: LoopStore, stored: pa.Table) -> pa.Table:
    columns = store.schema("labels")
    return conform(stored.select([name for name in stored.column_names if name in columns.names]), columns, "labels")


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


def labels_of(*parts: pa.Table) -> dict[str, str]:
    """Return the label of each row by its trace id."""
    return {row["trace_id"]: row["label"] for part in parts for row in part.select(["trace_id", "label"]).to_pylist()}
