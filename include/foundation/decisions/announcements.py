"""Tell people of an event once, even if the task that tells them is killed and run again."""

import json
from collections.abc import Callable

from include.foundation.digests import digest_of
from include.foundation.store.loop_files import has_file, write_file
from include.foundation.store.tables import LoopStore

FOLDER = "announcements"


def announce_once(store: LoopStore, event: str, subject: str, send: Callable[[], bool]) -> None:
    """Send an announcement that was not sent before, and note that it was.

    Parameters
    ----------
    store
        Of the loop; the note is a file beside its tables.
    event
        What happened, such as ``rollback``.
    subject
        What it happened to. The same event on the same subject is sent once.
    send
        Sends the announcement and returns whether that succeeded. The next call tries again what could not be sent.

    Notes
    -----
    If the process is killed between sending and noting, the announcement is sent twice: hearing of a rollback twice is better
    than never.
    """
    note = f"{FOLDER}/{digest_of(event, subject)[:32]}.json"
    if not has_file(store, note) and send():
        write_file(store, note, json.dumps({"event": event, "subject": subject}))
