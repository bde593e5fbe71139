"""Whether the ledgers still agree: what is live, what was decided, which bytes were judged, and what datasets are made of."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from include.foundation.decisions import (
    GateVerdict,
    GuardVerdict,
    Link,
    PublishedDataset,
    broken_links,
    find,
    head,
    latest,
    recorded,
)
from include.foundation.errors import FeedbackLoopError, NoSuchFileError, NothingToDo
from include.foundation.models.frames import changed_sizes
from include.foundation.models.judged_models import disagreement
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.ledgers.deployments import changes, history
from include.foundation.store.ledgers.taxonomies import undeclared_classes
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import MANIFEST
from include.stages.deployment.environments import is_followed, manifest
from include.stages.deployment.reconciling import registered_again
from include.stages.labels.datasets import read_dataset
from include.stages.logs.slices.ledger_check import REBUILD, ledger_disagreements

NOTE = "checked.json"
MOST_OFTEN = timedelta(days=1)
BACKUP = "restore it from a backup"


@dataclass(frozen=True)
class Damage:
    """What is wrong with a store, and how it is mended; ``reconcile`` mends what has one right answer."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} → {self.mend}"


@dataclass(frozen=True)
class Checked:
    """When a store was found whole, and the newest decision then."""

    at: datetime
    newest: Link


def check_store(store: LoopStore, registry: ModelRegistry, *, since: Link | None = None) -> list[Damage]:
    """Return all damage that is found; nothing is changed.

    Parameters
    ----------
    store, registry
        Of the loop.
    since
        A decision up to which an earlier check found the chain right: then only those after it are looked at, challengers that
        were registered after it, the newest dataset, and the files of what is live and of what was live before it. By default
        all decisions, challengers and datasets, and the files of all that was ever live.
    """
    everything = since is None
    checks: tuple[Callable[[], Iterator[Damage]], ...] = (
        lambda: _tables(store),
        lambda: _rows_read(store),
        lambda: _decisions(store, since or Link()),
        lambda: _deployments(store, registry),
        lambda: _files(store, registry, everything=everything),
        lambda: _versions(store, registry, since or Link()),
        lambda: _datasets(store, everything=everything),
        lambda: (Damage(problem, "change the section task of the loop file") for problem in undeclared_classes(store)),
        lambda: (Damage(problem, "change the section inputs of the loop file") for problem in changed_sizes(store)),
    )
    return [damage for check in checks for damage in _found(check)]


def check_daily(store: LoopStore, registry: ModelRegistry) -> list[Damage]:
    """Return the damage of what is in use, see `check_store`; once a day while there is none.

    Raises
    ------
    NothingToDo
        If a check within the last day found none.
    """
    now, newest = datetime.now(UTC), head(store)
    last = _last(store)
    if last is not None and now - last.at < MOST_OFTEN:
        raise NothingToDo(f"The store was checked at {last.at:%Y-%m-%d %H:%M} UTC and is whole; once a day is enough")
    damage = check_store(store, registry, since=last.newest if last else Link())
    if not damage:
        write_file(store, NOTE, json.dumps({"at": now.isoformat(), **asdict(newest)}))
    return damage


def _last(store: LoopStore) -> Checked | None:
    """Return the last check that found no damage; None if there was none, or its note is none."""
    try:
        noted = json.loads(read_file(store, NOTE))
        return Checked(datetime.fromisoformat(noted["at"]), Link(int(noted["sequence"]), str(noted["hash"])))
    except (NoSuchFileError, ValueError, KeyError, TypeError):
        return None


def _found(check: Callable[[], Iterator[Damage]]) -> Iterator[Damage]:
    """Yield what a check finds; where it cannot go on, that is damage, too."""
    try:
        yield from check()
    except (FeedbackLoopError, OSError, pa.ArrowException) as error:
        yield Damage(str(error), BACKUP)


def _tables(store: LoopStore) -> Iterator[Damage]:
    for name in store.table_names:
        yield from _found(lambda name=name: _table(store, name))  # type: ignore[misc]


def _table(store: LoopStore, name: str) -> Iterator[Damage]:
    place, table = f"{store.uri}/{name}", store.open_table(name)
    needed = {uri.rpartition(f"/{name}/")[2] for uri in table.file_uris()} if table else set()
    listed = {item.name for item in store.objects.objects_in(place) or () if item.name.endswith(".parquet")}
    if table is None and listed:
        mend = "restore the folder from a backup; without one, move it away and let the loop fill the table again"
        yield Damage(f"{place}: has {len(listed)} files, but its _delta_log is gone", mend)
    if gone := sorted(needed - listed):
        yield Damage(f"{place}: {len(gone)} files of the table are gone, such as {gone[0]}", BACKUP)


def _rows_read(store: LoopStore) -> Iterator[Damage]:
    for problem in ledger_disagreements(store):
        yield Damage(problem, REBUILD)


def _decisions(store: LoopStore, checked: Link) -> Iterator[Damage]:
    for problem in broken_links(store, checked):
        yield Damage(f"{store.uri}/decisions: {problem}", "restore the table and _files/decisions from a backup")


def _deployments(store: LoopStore, registry: ModelRegistry) -> Iterator[Damage]:
    deployments = history(store)
    if not deployments:
        return
    entries = changes(store)
    numbers = [entry.sequence for entry in entries]
    if numbers != list(range(1, len(numbers) + 1)):
        yield Damage(f"{store.uri}/deployments: got numbers {numbers}, expected 1 to {len(numbers)}", BACKUP)
    decided = recorded(store, (GateVerdict, GuardVerdict), {entry.evidence_digest for entry in entries})
    for entry in entries:
        if entry.action != "adopt" and entry.evidence_digest not in decided:
            what = f"{store.uri}/deployments: {entry.action} of version {entry.model_version} rests on no recorded decision"
            yield Damage(what, "find out who wrote it; restore deployments and decisions from a backup")
    live = deployments[-1]
    if problem := disagreement(registry, live):
        what, _, mend = problem.partition(": ")
        yield Damage(what, mend)
    else:
        yield from _in_manifests(
            store, manifest(store.loop, live, registry.run_of(live.model_version)), live.model_version
        )


def _in_manifests(store: LoopStore, content: str, version: str) -> Iterator[Damage]:
    mend = f"`python -m include reconcile {store.loop.name}` writes it anew"
    if _manifest(store) != content:
        yield Damage(f"{MANIFEST}: does not say that version {version} is live", mend)
    if not is_followed(store.loop, content):
        gitops = store.loop.deploy.gitops
        yield Damage(f"{gitops.repository}/{gitops.production}: does not say that version {version} is live", mend)


def _manifest(store: LoopStore) -> str | None:
    try:
        return read_file(store, MANIFEST).decode(errors="replace")
    except NoSuchFileError:
        return None


def _files(store: LoopStore, registry: ModelRegistry, *, everything: bool) -> Iterator[Damage]:
    """Compare the files of versions that were live with the digest that was judged, newest first."""
    digests = {entry.model_version: entry.files_digest for entry in history(store)}
    for version in list(reversed(digests))[: None if everything else 2]:
        expected, run_id = digests[version], registry.run_of(version)
        if expected is None or run_id is None:
            continue  # nothing was judged; that the version is gone is told where it is live
        digest = registry.files_digest(run_id=run_id, version=version)
        if digest != expected:
            what = f"Version {version}: its files have the digest {digest}, but {expected} was judged"
            yield Damage(what, "restore its files in MLflow's artifacts from a backup; the loop does not load them")


def _versions(store: LoopStore, registry: ModelRegistry, checked: Link) -> Iterator[Damage]:
    """Find challengers that are registered more than once: attempts at the same time, of which one was killed."""
    for registered, others in registered_again(store, registry, checked.sequence):
        what = f"Challenger {registered.subject} is version {registered.version}, and also {', '.join(others)}"
        yield Damage(what, f"`python -m include reconcile {store.loop.name}` deletes the others")


def _datasets(store: LoopStore, *, everything: bool) -> Iterator[Damage]:
    newest = latest(store, PublishedDataset)
    published = find(store, PublishedDataset) if everything else [newest] if newest else []
    for name in dict.fromkeys(dataset.subject for dataset in published):
        try:
            read_dataset(store, name)
        except (FeedbackLoopError, OSError, pa.ArrowException) as error:
            yield Damage(f"Dataset {name}: {error}", "restore the table labels, with its _delta_log, from a backup")
