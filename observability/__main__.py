"""``python -m observability --store URI``: serve the metrics of the loops, or write them into a file (``--output``)."""

import argparse
import logging
import os
import sys
from pathlib import Path

from prometheus_client import write_to_textfile

from include.foundation.config.loading import load_loops, loop_named
from include.foundation.errors import ConfigError, FeedbackLoopError
from include.foundation.store.objects.s3_objects import options_in_environment
from include.foundation.store.tables import LoopStore
from observability.exporter import registry_of
from observability.serving import server_of

TOKEN = "METRICS_TOKEN"  # noqa: S105 - a variable's name
SHORTEST = 16


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 1 not possible."""
    parser = argparse.ArgumentParser(prog="python -m observability", description=__doc__)
    parser.add_argument(
        "--store", required=True, help="folder, or s3://bucket/path with the credentials in AWS_… variables"
    )
    parser.add_argument("--loop", action="append", help="name of a loop file; all of them by default")
    parser.add_argument(
        "--output", type=Path, help="write the metrics once into this file, whose name ends in .prom, and end"
    )
    parser.add_argument("--host", default="127.0.0.1", help="to listen on; loopback by default")
    parser.add_argument("--port", type=int, default=9109, help="to listen on; 9109 by default")
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    try:
        _run(given)
    except (FeedbackLoopError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(given: argparse.Namespace) -> None:
    loops = [loop_named(name) for name in given.loop] if given.loop else load_loops()
    registry = registry_of([LoopStore(loop, given.store, options_in_environment()) for loop in loops])
    if given.output:
        write_to_textfile(str(given.output), registry)
        return
    with server_of(registry, given.host, given.port, _token()) as server:
        print(f"http://{given.host}:{server.server_port}/metrics: {len(loops)} loops", flush=True)
        server.serve_forever()


def _token() -> str:
    token = os.environ.get(TOKEN, "")
    if len(token) < SHORTEST:
        raise ConfigError(
            f"{TOKEN}: got {len(token)} characters, expected at least {SHORTEST}: the token that a scrape must send"
        )
    return token


if __name__ == "__main__":
    sys.exit(main())
