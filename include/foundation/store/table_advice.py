"""What to do about an error that reading or writing a table ends with."""

from include.foundation.store.objects.object_store import remedy

UPDATE = "; if a newer version wrote the table, update this one"


def advice(error: Exception) -> str:
    """Return what to do about a table's error, as the end of its message; empty if only the error itself can tell.

    Examples
    --------
    >>> advice(OSError(28, "No space left on device"))
    '; make room there and run the task again'
    """
    if action := remedy(error, "read and write it"):
        return f"; {action}"
    return UPDATE if "nsupported" in str(error) else ""
