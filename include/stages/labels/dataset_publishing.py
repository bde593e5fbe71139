"""Publishing a dataset: the labels as they are now get a name, unless they would teach a model what it said."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.compute as pc

from include.foundation.decisions import GateVerdict, PublishedDataset, find, latest, record
from include.foundation.errors import NothingToDo, VersionGoneError
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.class_diversity import class_diversity
from include.stages.labels.datasets import Dataset, dataset_of, labels_by_trace_id, labels_of, read_dataset
from include.stages.labels.label_origins import demand_fit_to_learn, origins, own_labels
from include.stages.labels.newest_rows import newest_rows
from include.stages.labels.released_rows import Release
from include.stages.labels.straddling import straddling


def publish_dataset(store: LoopStore, *, anyway: bool = False) -> PublishedDataset:
    """Publish the current labels as a dataset and record what changed since the last one.

    Parameters
    ----------
    store
        Tables of the loop.
    anyway
        Whether a person wants it, although too many labels only confirm the model or too few classes are left.

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
        If a model should not learn these labels, see `include.stages.labels.label_origins` and `class_diversity`.
    """
    version = store.version("labels")
    if version is None:
        raise NothingToDo("There is no label yet: nothing to publish")
    former_names, retired = _former_names(store, version)
    draws_version = store.version("draws")
    release = replace(Release.of(store.loop.split), since=_judged_pending_since(store))
    dataset = dataset_of(store, version, draws_version, former_names, release)
    last = latest(store, PublishedDataset)
    if last is not None and last.digest == dataset.digest:
        raise NothingToDo(f"No label changed since dataset {last.subject}")
    own, drawn = origins(dataset.train), dataset.holdout if dataset.drawn is None else dataset.drawn
    remarks = [own_labels(store.loop, own), class_diversity(store.loop, dataset.train, drawn)]
    told = demand_fit_to_learn(remarks, is_allowed=anyway)
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
            allowed=any(remark.problem for remark in remarks),
            digest=dataset.digest,
            labels_version=version,
            draws_version=draws_version,
            train=dataset.train.num_rows,
            holdout=dataset.holdout.num_rows,
            classes=dict(sorted(Counter(dataset.train.column("label").to_pylist()).items())),
            former_names=former_names,
            retired=retired,
            release=(release.share, release.days, release.rows),
            held_since=release.since,
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


def _judged_pending_since(store: LoopStore) -> datetime | None:
    """Return since when rows were served that have judged a pending challenger; None if none is, or nothing is released.

    Where a dataset that it was judged on can be read no more, that is since ever.
    """
    verdict, split = latest(store, GateVerdict), store.loop.split
    if not split.release_share or verdict is None or verdict.outcome != "label_more":
        return None
    moments = []
    for name in {earlier.dataset for earlier in find(store, GateVerdict, verdict.subject)}:
        try:
            drawn = read_dataset(store, name).drawn
        except VersionGoneError:
            return datetime.min.replace(tzinfo=UTC)
        if drawn is not None and drawn.num_rows:
            moments.append(pc.min(newest_rows(drawn, split.holdout_days, split.holdout_rows).column("ts")).as_py())
    return min(moments, default=None)


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
    labels = labels_of(dataset.train, dataset.holdout)
    return {
        "added": len(labels.keys() - last.keys()),
        "removed": len(last.keys() - labels.keys()),
        "changed": sum(labels[key] != last[key] for key in labels.keys() & last.keys()),
    }


def _warnings(store: LoopStore, dataset: Dataset, last: PublishedDataset | None) -> list[str]:
    """Return what a person should know of the first dataset before anything is trained on it."""
    straddlers = None if last else straddling(store.loop, dataset.train, dataset.holdout)
    return [straddlers] if straddlers else []


def _sizes(dataset: Dataset) -> str:
    return f"{dataset.train.num_rows} labels to train on and {dataset.holdout.num_rows} held out"


def _in_words(changes: dict[str, int | None]) -> str:
    if changes["added"] is None:
        return "what changed is not known, since the version of labels that the last dataset was can be read no more."
    return (
        f"since the last dataset {changes['added']} added, {changes['changed']} changed, {changes['removed']} removed."
    )
