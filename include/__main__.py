"""``python -m include COMMAND``: work on loop files, and on a loop's store and registry; ``--help`` lists the commands."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from include.foundation.config.key_reference import reference_page
from include.foundation.config.loading import load_loops, loop_named
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, FeedbackLoopError

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore

ON_REGISTRY = {
    "check-store": "say whether the ledgers of a loop agree with each other, with MLflow and with what was judged",
    "reconcile": "mend what has one right answer, then check the store",
    "adopt": "write into the ledger that a person made another version live, then check the store",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done or valid, 1 not valid."""
    parser = argparse.ArgumentParser(prog="python -m include", description="Work on loop files.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="say everything that is wrong with the loop files, and try what they name")
    commands.add_parser("schema", help="print the JSON Schema of a loop file, for editors")
    commands.add_parser("reference", help="print the reference page of every key of a loop file, in Markdown")
    suite = commands.add_parser(
        "suite", help="write the expectations on a loop's logs, to be edited, or check those there are"
    )
    suite.add_argument("loop", help="name of a loop file")
    suite.add_argument("--overwrite", action="store_true", help="write the file anew, though it may have been edited")
    maintain = commands.add_parser("maintain", help="keep a loop's store quick to open; it may be in use meanwhile")
    maintain.add_argument("loop", help="name of a loop file")
    maintain.add_argument(
        "--store", required=True, help="folder, or s3://bucket/path with the credentials in AWS_… variables"
    )
    pages = commands.add_parser(
        "pages", help="write the pages of loops as files that open in a browser without a server"
    )
    pages.add_argument("loop", nargs="*", help="name of a loop file; all of them by default")
    pages.add_argument("--store", required=True, help="as for maintain")
    pages.add_argument("--output", required=True, type=Path, help="folder to write into")
    strategies = commands.add_parser(
        "strategies", help="compare ways to choose rows on a loop's own labels, which are replayed; nothing is written"
    )
    strategies.add_argument("loop", help="name of a loop file")
    strategies.add_argument("--store", required=True, help="as for maintain")
    strategies.add_argument(
        "--repetitions", type=int, default=10, choices=range(2, 101), metavar="2…100", help="averaged over"
    )
    for command, purpose in ON_REGISTRY.items():
        part = commands.add_parser(command, help=purpose)
        part.add_argument("loop", help="name of a loop file")
        part.add_argument("--store", required=True, help="as for maintain")
        part.add_argument("--mlflow", required=True, help="tracking uri: http(s)://… or sqlite:///…")
        if command == "adopt":
            part.add_argument("version", help="of the model in MLflow that a person made live")
            part.add_argument("--why", required=True, help="what the ledger says of it")
    given = parser.parse_args(arguments)
    try:
        return _run(given)
    except FeedbackLoopError as error:
        print(error, file=sys.stderr)
        return 1


def _run(given: argparse.Namespace) -> int:
    if given.command in ON_REGISTRY:
        return _on_registry(given)
    if given.command == "check":
        from include.checks.loop_check import check_loops

        return check_loops()
    if given.command == "schema":
        print(json.dumps(Loop.model_json_schema(), indent=2))
    elif given.command == "reference":
        print(reference_page(), end="")
    elif given.command == "suite":
        _suite(given.loop, overwrite=given.overwrite)
    elif given.command == "pages":
        _pages(given.loop, given.store, given.output)
    elif given.command == "strategies":
        from include.checks.strategy_comparison import compare_strategies

        print(compare_strategies(_opened(given.loop, given.store), given.repetitions).report())
    else:
        _maintain(given.loop, given.store)
    return 0


def _pages(names: Sequence[str], uri: str, folder: Path) -> None:
    from include.stages.reports.static_pages import export_pages

    stores = [_opened(name, uri) for name in names or [loop.name for loop in load_loops()]]
    print(export_pages(stores, folder, datetime.now(UTC)))


def _suite(name: str, *, overwrite: bool) -> None:
    from include.foundation.quality.suites import read_suite, suite_path, write_suite

    loop = loop_named(name)
    path = suite_path(loop)
    if path.exists() and not overwrite:
        expectations = len(read_suite(loop, path)["expectations"])
        print(f"{path}: valid, {expectations} expectations; --overwrite writes it anew from the loop file")
    else:
        print(f"{write_suite(loop, overwrite=overwrite)}: written; edit it, then run this again to check it")


def _maintain(name: str, uri: str) -> None:
    from include.foundation.store.maintenance import maintain_store
    from include.stages.logs.slices.ledger_check import demand_agreement

    store = _opened(name, uri)
    demand_agreement(store)  # where a log was lost, the files that it named are all that is left
    done = maintain_store(store, at_once=True)
    print(
        f"{store.uri}: {done.merged} small files merged; {done.files} dead files, {done.log_entries} log entries and "
        f"{done.left_behind} files that were left behind deleted"
    )


def _on_registry(given: argparse.Namespace) -> int:
    from include.foundation.models.mlflow_access import SQLITE, told_errors
    from include.foundation.models.registry import ModelRegistry
    from include.stages.deployment.reconciling import adopt, reconcile
    from include.stages.deployment.store_checks import check_store

    store = _opened(given.loop, given.store)
    if given.mlflow.startswith(SQLITE) and not Path(given.mlflow.removeprefix(SQLITE)).is_file():
        raise ConfigError(f"{given.mlflow}: no such database; give the tracking_uri of the connection mlflow")
    registry = ModelRegistry(given.mlflow, store.loop)
    with told_errors():
        if given.command == "adopt":
            report = adopt(store, registry, given.version, given.why)
            print(f"Version {report.version} is live; before it: {report.previous or 'none'}")
        if given.command == "reconcile":
            print("\n".join(reconcile(store, registry) or ["nothing to mend that has one right answer"]))
        damage = check_store(store, registry)
    for number, one in enumerate(damage, start=1):
        print(f"{number}. {one.what}\n   mend: {one.mend}")
    print(f"{store.uri}: {f'{len(damage)} faults' if damage else 'whole, and in agreement with MLflow'}")
    return 1 if damage else 0


def _opened(name: str, uri: str) -> "LoopStore":
    from include.foundation.store.objects.s3_objects import options_in_environment
    from include.foundation.store.tables import LoopStore

    store = LoopStore(loop_named(name), uri, options_in_environment())
    if not store.objects.names_in(store.uri):
        raise ConfigError(
            f"{store.uri}: nothing is there, expected the tables of {name}; give the uri of feedback_store"
        )
    return store


if __name__ == "__main__":
    sys.exit(main())
