"""Objects on S3, and on whatever speaks its protocol."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from include.foundation.errors import ObjectChangedError, StoreError
from include.foundation.store.objects import object_store
from include.foundation.store.objects.object_store import SINCE_LISTED, Listing, ObjectStore, StoredObject, explained
from include.foundation.store.objects.scratch_folders import scratch_folder

SCHEME = "s3://"
RESUMES = 8  # of one object whose connection breaks
CHANGED = {"PreconditionFailed": "was replaced", "InvalidRange": "was replaced", "NoSuchKey": "has gone"}
CLIENT_OPTIONS = {  # what boto3 calls what deltalake knows by another name
    "AWS_ACCESS_KEY_ID": "aws_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "AWS_SESSION_TOKEN": "aws_session_token",
    "AWS_REGION": "region_name",
    "AWS_ENDPOINT_URL": "endpoint_url",
}


class S3Objects(ObjectStore):
    """Objects of the buckets that some credentials open.

    Parameters
    ----------
    options
        Credentials and endpoint, as ``boto3.client`` takes them.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = dict(options)

    @property
    def client(self) -> Any:
        """The client, made when it is first needed: ``boto3`` takes a while to be imported."""
        return s3_client(self._options)

    @contextmanager
    def created(self, uri: str) -> Iterator[Path]:
        """Give a path in a temporary folder, and upload what was written there."""
        bucket, key = bucket_and_key(uri)
        with scratch_folder() as folder:
            written = folder / "object"
            yield written
            if written.exists():
                with explained(f"{uri}: could not be written", "write it"):
                    self.client.upload_file(str(written), bucket, key)

    def _read(self, uri: str) -> bytes:
        bucket, key = bucket_and_key(uri)
        client = self.client
        try:
            return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except client.exceptions.NoSuchKey as error:
            raise FileNotFoundError(str(error)) from error

    def _write(self, uri: str, content: bytes) -> None:
        bucket, key = bucket_and_key(uri)
        self.client.put_object(Bucket=bucket, Key=key, Body=content)  # an object appears only when it is complete

    def _delete(self, uri: str) -> None:
        bucket, key = bucket_and_key(uri)
        self.client.delete_object(Bucket=bucket, Key=key)

    def _names_in(self, folder: str) -> list[str]:
        bucket, prefix = _bucket_and_prefix(folder)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        names = set()
        for page in pages:
            keys = [item["Prefix"] for item in page.get("CommonPrefixes", [])]
            keys += [item["Key"] for item in page.get("Contents", [])]
            names |= {key.removeprefix(prefix).rstrip("/") for key in keys}
        return sorted(names - {""})

    def _listing(self, folder: str, named: re.Pattern[str]) -> Listing | None:
        bucket, prefix = _bucket_and_prefix(folder)
        client = self.client
        try:
            pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
        except client.exceptions.NoSuchBucket:
            return None
        items = [item for page in pages for item in page.get("Contents", [])]
        listed = [
            StoredObject(
                name=item["Key"].removeprefix(prefix),
                uri=f"{SCHEME}{bucket}/{item['Key']}",
                written_at=item["LastModified"],
                size=item["Size"],
                fingerprint=item["ETag"].strip('"'),
            )
            for item in items
        ]
        return Listing([item for item in listed if named.search(item.name)], [])

    def _blocks(self, listed: StoredObject, start: int) -> Iterator[bytes]:
        """Read an object that must not change meanwhile; a connection that breaks is taken up where it broke."""
        from botocore.exceptions import BotoCoreError

        client, place, broken = self.client, start, 0
        while place < listed.size:
            problem: Exception | None = None
            try:
                with contextlib.closing(_body(client, listed, place)) as body:
                    for block in body.iter_chunks(object_store.BLOCK):
                        place += len(block)
                        yield block
            except (BotoCoreError, OSError) as error:
                problem = error
            broken += place < listed.size
            if broken > RESUMES:
                why = problem or "the answer ended there"
                raise StoreError(
                    f"{listed.uri}: broke off {broken} times at byte {place}: {why}; run the task again"
                ) from problem


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return the two parts of ``s3://bucket/key``.

    Examples
    --------
    >>> bucket_and_key("s3://loops/newswire/a.jsonl")
    ('loops', 'newswire/a.jsonl')
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    return bucket, key


def options_in_environment() -> dict[str, str]:
    """Return the ``AWS_…`` variables: the options of ``deltalake`` for who opens a store outside Airflow."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def client_options(storage_options: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials and the endpoint of ``deltalake``'s options, as ``boto3.client`` takes them."""
    return {CLIENT_OPTIONS[name]: value for name, value in storage_options.items() if name in CLIENT_OPTIONS}


def s3_client(options: Mapping[str, Any], *, tries: int = 9) -> Any:
    """Return a client that waits a failing server out.

    Parameters
    ----------
    options
        Credentials and endpoint, as ``boto3.client`` takes them; equal ones share a client.
    tries
        Of each request.
    """
    return _client(tuple(sorted(options.items())), tries)


@lru_cache(maxsize=4)  # making one takes as long as a hundred small objects, and they keep their connections
def _client(options: tuple[tuple[str, Any], ...], tries: int) -> Any:
    import boto3
    from botocore.config import Config

    patient = Config(retries={"total_max_attempts": tries, "mode": "standard"}, connect_timeout=10, read_timeout=60)
    return boto3.client("s3", config=patient, **dict(options))


def _bucket_and_prefix(folder: str) -> tuple[str, str]:
    bucket, key = bucket_and_key(folder.rstrip("/"))
    return bucket, f"{key}/" if key else ""


def _body(client: Any, listed: StoredObject, place: int) -> Any:
    """Return the bytes from ``place`` of the object that was listed, and of no other."""
    bucket, key = bucket_and_key(listed.uri)
    try:
        answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes={place}-", IfMatch=listed.fingerprint)
    except client.exceptions.ClientError as error:
        if changed := CHANGED.get(error.response.get("Error", {}).get("Code")):
            raise ObjectChangedError(f"{listed.uri}: {changed} {SINCE_LISTED}") from error
        raise
    problem: StoreError | None = None
    if answer["ETag"].strip('"') != listed.fingerprint:
        problem = ObjectChangedError(f"{listed.uri}: was replaced {SINCE_LISTED}")
    elif place and not answer.get("ContentRange", "").startswith(f"bytes {place}-"):
        problem = StoreError(f"{listed.uri}: cannot be read on from byte {place}: the object store ignores Range")
    if problem is not None:
        answer["Body"].close()
        raise problem
    return answer["Body"]
