"""Command line: ``python -m include.logs <loop>`` writes the loop's expectations where they can be edited."""

import argparse

from include.config.loading import loop_named
from include.logs.suites import write_suite


def main() -> None:
    """Write the suite and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m include.logs", description=__doc__)
    parser.add_argument("loop", help="name of a loop file")
    print(write_suite(loop_named(parser.parse_args().loop)))


if __name__ == "__main__":
    main()
