"""``python -m include check | schema | reference | suite LOOP``: validate and describe loop files, write a loop's suite."""

import argparse
import json
import sys

from include.foundation.config.key_reference import reference_page
from include.foundation.config.loading import load_loops, loop_named
from include.foundation.config.loop_file import Loop
from include.foundation.config.operations import untold
from include.foundation.errors import ConfigError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done or valid, 1 not valid."""
    parser = argparse.ArgumentParser(prog="python -m include", description="Work on loop files.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="say everything that is wrong with the loop files")
    commands.add_parser("schema", help="print the JSON Schema of a loop file, for editors")
    commands.add_parser("reference", help="print the reference page of every key of a loop file, in Markdown")
    suite = commands.add_parser(
        "suite", help="write the expectations on a loop's logs, to be edited, or check those there are"
    )
    suite.add_argument("loop", help="name of a loop file")
    suite.add_argument("--overwrite", action="store_true", help="write the file anew, though it may have been edited")
    given = parser.parse_args(arguments)
    try:
        if given.command == "check":
            _check()
        elif given.command == "schema":
            print(json.dumps(Loop.model_json_schema(), indent=2))
        elif given.command == "reference":
            print(reference_page(), end="")
        else:
            _suite(given.loop, overwrite=given.overwrite)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _check() -> None:
    for loop in load_loops():
        print(f"{loop.name}: valid, digest {loop.digest[:12]}")
        if events := untold(loop.notify):
            print(f"{loop.name}: nobody is told of {', '.join(events)}; name a notifier in notify")


def _suite(name: str, *, overwrite: bool) -> None:
    from include.foundation.quality.suites import read_suite, suite_path, write_suite

    loop = loop_named(name)
    path = suite_path(loop)
    if path.exists() and not overwrite:
        expectations = len(read_suite(loop, path)["expectations"])
        print(f"{path}: valid, {expectations} expectations; --overwrite writes it anew from the loop file")
    else:
        print(f"{write_suite(loop, overwrite=overwrite)}: written; edit it, then run this again to check it")


if __name__ == "__main__":
    sys.exit(main())
