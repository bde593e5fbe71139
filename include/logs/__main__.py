"""``python -m include.logs LOOP`` writes the suite that judges a loop's logs, to be edited, or checks the one that is there."""

import argparse
import sys

from include.config.loading import loop_named
from include.errors import ConfigError
from include.logs.suites import read_suite, suite_path, write_suite


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 written or valid, 1 not valid."""
    parser = argparse.ArgumentParser(prog="python -m include.logs", description=__doc__)
    parser.add_argument("loop", help="name of a loop file")
    parser.add_argument("--overwrite", action="store_true", help="write the file anew, though it may have been edited")
    given = parser.parse_args(arguments)
    try:
        loop = loop_named(given.loop)
        path = suite_path(loop)
        if path.exists() and not given.overwrite:
            expectations = len(read_suite(loop, path)["expectations"])
            print(f"{path}: valid, {expectations} expectations; --overwrite writes it anew from the loop file")
        else:
            print(f"{write_suite(loop, overwrite=given.overwrite)}: written; edit it, then run this again to check it")
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
