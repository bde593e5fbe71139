"""``python -m feedback_loop.hooks.connection_checks [LOOP …]``: try every connection that the loops use.

Airflow's own *Test* button knows the hooks of installed providers only, see ``docs/adr/0005``.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.log_source_hook import LogSourceHook
from feedback_loop.hooks.loop_hook import LoopHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook
from include.foundation.config.loading import load_loops, loop_named
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 if every connection works."""
    parser = argparse.ArgumentParser(prog="python -m feedback_loop.hooks.connection_checks", description=__doc__)
    parser.add_argument("loops", nargs="*", metavar="LOOP", help="name of a loop file; all by default")
    given = parser.parse_args(arguments)
    try:
        loops = [loop_named(name) for name in given.loops] or list(load_loops())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    all_work = True
    for loop in loops:
        for name, hook in hooks_of(loop):
            works, said = hook.test_connection()
            all_work = all_work and works
            sys.stdout.write(f"{'works' if works else 'FAILS'}  {loop.name}  {name}: {said}\n")
    return 0 if all_work else 1


def hooks_of(loop: Loop) -> Iterator[tuple[str, LoopHook]]:
    """Yield the hooks that a loop's tasks use, each with what it is for."""
    store = LoopStoreHook(loop.name)
    yield "store", store
    yield "model registry", ModelRegistryHook(loop.name)
    yield "labeling", LabelingHook(loop.name)
    options = _options_of(store)
    yield "logs", LogSourceHook(loop.logs, options)
    if loop.feedback.uri or loop.feedback.query:
        yield "feedback", LogSourceHook(loop.feedback, options)


def _options_of(store: LoopStoreHook) -> dict[str, Any]:
    """Return the store's credentials for sources without a connection of their own; none if it cannot be opened."""
    return dict(store.get_conn().s3_client_options) if store.test_connection()[0] else {}


if __name__ == "__main__":
    sys.exit(main())
