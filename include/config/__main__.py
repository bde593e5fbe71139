"""``python -m include.config check`` validates every loop file; ``… schema`` prints a JSON Schema for editors."""

import argparse
import json
import sys

from include.config.loading import load_loops, loops_dir
from include.config.loop_file import Loop
from include.errors import ConfigError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 valid, 1 not valid."""
    parser = argparse.ArgumentParser(prog="python -m include.config", description=__doc__)
    parser.add_argument("command", choices=["check", "schema"])
    command = parser.parse_args(arguments).command
    if command == "schema":
        print(json.dumps(Loop.model_json_schema(), indent=2))
        return 0
    try:
        loops = load_loops(loops_dir())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    for loop in loops:
        print(f"{loop.name}: valid, digest {loop.digest[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
