"""Files beside the tables: pictures, reports, Data Docs and manifests of one loop."""

import contextlib
import os
import threading
from pathlib import Path

from include.foundation.errors import NoSuchFileError, StoreError
from include.foundation.store.table_reading import advice
from include.foundation.store.tables import LoopStore

FOLDER = "_files"


def write_file(store: LoopStore, path: str, content: bytes | str) -> str:
    """Write one file of the loop and return its URI; a reader sees the old content or the new, never a part.

    Parameters
    ----------
    store
        Tables of the loop; the file lands in ``<store uri>/_files/<path>``.
    path
        Relative path with forward slashes.
    content
        Text is written as UTF-8.

    Raises
    ------
    StoreError
        If the path leaves the loop's folder, or the file cannot be written.
    """
    if path.startswith("/") or ".." in path.split("/"):
        raise StoreError(f"Got path {path!r}, expected a relative one below the loop's folder")
    data = content.encode() if isinstance(content, str) else content
    uri = f"{store.uri}/{FOLDER}/{path}"
    if "://" in uri:
        _write_object(store, uri, data)
    else:
        _write_local(Path(uri), data)
    return uri


def read_file(store: LoopStore, path: str) -> bytes:
    """Return what `write_file` wrote.

    Raises
    ------
    NoSuchFileError
        If there is no such file.
    StoreError
        If it cannot be read.
    """
    uri = f"{store.uri}/{FOLDER}/{path}"
    try:
        return _read_object(store, uri) if "://" in uri else Path(uri).read_bytes()
    except Exception as error:
        kind = NoSuchFileError if _says_missing(error) else StoreError
        raise kind(f"{uri}: cannot be read: {error}") from error


def has_file(store: LoopStore, path: str) -> bool:
    """Tell whether `write_file` wrote a file, without reading it.

    Raises
    ------
    StoreError
        If the file's folder cannot be listed.
    """
    folder, _, name = path.rpartition("/")
    return name in names_in(store, folder)


def names_in(store: LoopStore, folder: str) -> list[str]:
    """Return the names of the files and folders directly in a folder that `write_file` wrote to, sorted; none without it.

    Raises
    ------
    StoreError
        If the folder cannot be listed.
    """
    uri = f"{store.uri}/{FOLDER}/{folder}"
    try:
        if "://" in uri:
            return _listed_objects(store, f"{uri}/")
        return sorted(item.name for item in Path(uri).iterdir() if not item.name.startswith("."))
    except FileNotFoundError:
        return []
    except Exception as error:
        raise StoreError(f"{uri}: cannot be listed: {error}") from error


def _says_missing(error: Exception) -> bool:
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError) or code == "NoSuchKey"


def _listed_objects(store: LoopStore, uri: str) -> list[str]:
    import boto3

    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    pages = boto3.client("s3", **store.s3_client_options).get_paginator("list_objects_v2")
    names = set()
    for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
        found = [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        found += [item["Key"] for item in page.get("Contents", [])]
        names |= {key.removeprefix(prefix).rstrip("/") for key in found}
    return sorted(names - {""})


def _read_object(store: LoopStore, uri: str) -> bytes:
    import boto3

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    found = boto3.client("s3", **store.s3_client_options).get_object(Bucket=bucket, Key=key)
    return bytes(found["Body"].read())


def _write_local(target: Path, data: bytes) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise StoreError(f"{target}: could not write {len(data)} bytes: {error}{advice(error)}") from error


def _write_object(store: LoopStore, uri: str, data: bytes) -> None:
    import boto3

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    # an object appears only when it is complete
    boto3.client("s3", **store.s3_client_options).put_object(Bucket=bucket, Key=key, Body=data)
