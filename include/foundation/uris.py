"""Whether a URI leads to this machine or to an object store, and whether to either."""

import re

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
OF_S3 = re.compile(r"s3://[^/\s]")


def is_remote(uri: str) -> bool:
    """Tell whether a URI leads to an object store; anything else is a path on this machine.

    Examples
    --------
    >>> is_remote("s3://bucket/logs"), is_remote("data/logs")
    (True, False)
    """
    return "://" in uri


def why_no_place(uri: str) -> str | None:
    """Return why a text is neither a folder nor ``s3://bucket/prefix``; None if it is one.

    Examples
    --------
    >>> why_no_place("s3://bucket/logs"), why_no_place("data/logs")
    (None, None)
    >>> why_no_place("gs://bucket/logs")
    "got 'gs://bucket/logs', expected a folder, or s3://bucket/prefix"
    """
    if SCHEME.match(uri.lstrip()) and not OF_S3.match(uri):
        return f"got {uri!r}, expected a folder, or s3://bucket/prefix"
    if uri.startswith("~"):
        return f"got {uri!r}, expected the whole path: ~ is another folder for every user, or ./{uri}"
    if "\0" in uri or any("\ud800" <= sign <= "\udfff" for sign in uri):
        return f"got {uri!r}, expected a path without NUL and halves of characters"
    return None
