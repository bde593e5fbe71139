"""Whether a URI leads to this machine or to an object store."""


def is_remote(uri: str) -> bool:
    """Tell whether a URI leads to an object store; anything else is a path on this machine.

    Examples
    --------
    >>> is_remote("s3://bucket/logs"), is_remote("data/logs")
    (True, False)
    """
    return "://" in uri
