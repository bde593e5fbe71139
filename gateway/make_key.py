"""``python -m gateway.make_key FILE LOOP NAME``: print a new key of a loop, and write its digest into the file of keys."""

import argparse
import sys
from pathlib import Path

from gateway.api_keys import add_key
from gateway.webhook_secrets import add_secret
from include.foundation.errors import ConfigError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m gateway.make_key", description=__doc__)
    parser.add_argument("file", type=Path, help="of the digests of keys; it is made if there is none")
    parser.add_argument("loop", help="that the key is for")
    parser.add_argument("name", help="whose the key is")
    parser.add_argument(
        "--webhook", action="store_true", help="write and print a secret that signs webhooks, into a file of its own"
    )
    given = parser.parse_args(arguments)
    try:
        print((add_secret if given.webhook else add_key)(given.file, given.loop, given.name))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
