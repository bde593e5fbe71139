"""One contract for objects in folders and on S3, and what each says when it fails."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import botocore.endpoint
import pytest

from include.foundation.errors import ConfigError, NoSuchFileError, ObjectChangedError, StoreError
from include.foundation.store.objects import object_store
from include.foundation.store.objects.local_objects import LocalObjects
from include.foundation.store.objects.object_store import remedy
from include.foundation.store.objects.opening import objects_at
from include.foundation.store.objects.s3_objects import S3Objects, client_options, s3_client
from include.foundation.store.tables import LoopStore
from tests.builders import make_loop
from tests.include.stages.logs.s3_server import BUCKET, SECRET, S3Server

NAMES = ("a.txt", "deep/er/b.txt", "deep/c d+%.txt", "été/ü.txt")


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path, s3_options):
    """An empty place, and what opens it."""
    if request.param == "folder":
        return f"{tmp_path}/place", LocalObjects()
    return f"s3://{BUCKET}/{tmp_path.name}", S3Objects(client_options(s3_options))


class TestObjects:
    """The same operations give the same in a folder and on S3."""

    def test_written_object_is_read_back_and_replaced_whole(self, place):
        uri, objects = place
        for content in (b"one, which is longer", b"two", b""):
            objects.write(f"{uri}/deep/a.txt", content)
            assert objects.read(f"{uri}/deep/a.txt") == content
        assert objects.names_in(f"{uri}/deep") == ["a.txt"]

    def test_object_that_is_not_there_is_an_error_that_names_it(self, place):
        uri, objects = place
        with pytest.raises(NoSuchFileError, match=r"none\.txt: cannot be read: .*; run the task again$") as caught:
            objects.read(f"{uri}/none.txt")
        assert str(caught.value).startswith(uri)

    def test_folder_is_no_object(self, place):
        uri, objects = place
        objects.write(f"{uri}/deep/a.txt", b"x")
        with pytest.raises(NoSuchFileError):
            objects.read(f"{uri}/deep")

    def test_names_are_those_directly_in_the_folder_with_the_folders(self, place):
        uri, objects = place
        for name in NAMES:
            objects.write(f"{uri}/{name}", b"x")
        assert objects.names_in(uri) == objects.names_in(f"{uri}/") == ["a.txt", "deep", "été"]
        assert objects.names_in(f"{uri}/deep") == ["c d+%.txt", "er"]
        assert objects.names_in(f"{uri}/dee") == []

    def test_every_object_below_the_folder_is_listed_and_its_bytes_are_read(self, place):
        uri, objects = place
        for name in NAMES:
            objects.write(f"{uri}/{name}", name.encode())
        listed = {found.name: found for found in objects.objects_in(uri)}
        assert sorted(listed) == sorted(NAMES)
        for name, found in listed.items():
            assert (found.uri, found.size) == (f"{uri}/{name}", len(name.encode()))
            assert abs(found.written_at - datetime.now(UTC)) < timedelta(minutes=1)
            assert b"".join(objects.blocks(found)) == objects.read(found.uri) == name.encode()

    @pytest.mark.parametrize("start", [0, 1, 9, 10, 11, 24, 25])
    def test_blocks_are_the_bytes_from_the_start_on(self, place, monkeypatch, start):
        uri, objects = place
        content = bytes(range(25))
        objects.write(f"{uri}/a.bin", content)
        monkeypatch.setattr(object_store, "BLOCK", 10)
        (listed,) = objects.objects_in(uri) or []
        blocks = list(objects.blocks(listed, start))
        assert b"".join(blocks) == content[start:]
        assert max(map(len, blocks), default=0) <= 10

    def test_fingerprint_changes_with_the_content(self, place):
        uri, objects = place
        fingerprints = []
        for content in (b"one", b"two or more"):
            objects.write(f"{uri}/a.txt", content)
            fingerprints += [listed.fingerprint for listed in objects.objects_in(uri)]
        assert len(set(fingerprints)) == 2

    def test_object_that_was_deleted_since_it_was_listed_is_no_longer_that_object(self, place):
        uri, objects = place
        objects.write(f"{uri}/a.txt", b"x")
        (listed,) = objects.objects_in(uri) or []
        objects.delete(listed.uri)
        with pytest.raises(ObjectChangedError, match=r"a\.txt: has gone since it was listed"):
            list(objects.blocks(listed))

    def test_deleting_twice_is_no_error_and_takes_nothing_else(self, place):
        uri, objects = place
        for name in ("a.txt", "b.txt"):
            objects.write(f"{uri}/{name}", b"x")
        objects.delete(f"{uri}/a.txt")
        objects.delete(f"{uri}/a.txt")
        assert objects.names_in(uri) == ["b.txt"]

    def test_created_object_is_there_after_the_block(self, place):
        uri, objects = place
        with objects.created(f"{uri}/day=1/a.txt") as path:
            path.write_bytes(b"rows")
        assert objects.read(f"{uri}/day=1/a.txt") == b"rows"

    def test_block_that_fails_leaves_no_object_and_its_own_error(self, place):
        uri, objects = place

        def fail(path):
            path.write_bytes(b"half of the ro")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), objects.created(f"{uri}/a.txt") as path:
            fail(path)
        assert objects.names_in(uri) == []

    def test_block_that_takes_its_file_back_leaves_no_object(self, place):
        uri, objects = place
        with objects.created(f"{uri}/a.txt") as path:
            path.write_bytes(b"no rows after all")
            path.unlink()
        assert objects.names_in(uri) == []


def test_folder_that_is_not_there_is_told_from_an_empty_one(tmp_path, s3_options):
    s3 = S3Objects(client_options(s3_options))
    assert LocalObjects().objects_in(f"{tmp_path}/none") is None
    assert LocalObjects().objects_in(str(tmp_path)) == []
    assert s3.objects_in("s3://no-such-bucket/logs") is None
    assert s3.objects_in(f"s3://{BUCKET}/none") == []  # a prefix exists only through its objects


def test_object_on_s3_that_was_replaced_since_it_was_listed_is_not_read(s3_options):
    objects, uri = S3Objects(client_options(s3_options)), f"s3://{BUCKET}/replaced"
    objects.write(f"{uri}/a.txt", b"one")
    (listed,) = objects.objects_in(uri) or []
    objects.write(f"{uri}/a.txt", b"two")
    with pytest.raises(ObjectChangedError, match=r"a\.txt: was replaced since it was listed"):
        list(objects.blocks(listed))


def test_file_that_grew_is_read_to_the_size_that_was_listed(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"listed")
    (listed,) = LocalObjects().objects_in(str(tmp_path)) or []
    path.write_bytes(b"listed, and more")
    assert b"".join(LocalObjects().blocks(listed)) == b"listed"
    assert b"".join(LocalObjects().blocks(listed, 4)) == b"ed"


@pytest.mark.parametrize("operation", ["write", "created"])
def test_folder_that_cannot_be_made_names_the_file(tmp_path, operation):
    (tmp_path / "file").touch()
    uri = f"{tmp_path}/file/a.txt"
    with pytest.raises(StoreError, match=r"could not .*; run the task again$") as caught:
        OPERATIONS[operation](LocalObjects(), uri)
    assert str(caught.value).startswith(f"{uri}: could not ")


def test_file_on_a_full_disk_leaves_the_old_content_and_no_part(tmp_path, monkeypatch):
    uri = f"{tmp_path}/a.txt"
    LocalObjects().write(uri, b"old")

    def full(self, content):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(StoreError, match=r"could not write 3 bytes: .*; make room there and run the task again$"):
            LocalObjects().write(uri, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert LocalObjects().read(uri) == b"old"


def create(objects, uri):
    with objects.created(uri) as path:
        path.write_bytes(b"x")


OPERATIONS = {
    "read": lambda objects, uri: objects.read(uri),
    "write": lambda objects, uri: objects.write(uri, b"x"),
    "delete": lambda objects, uri: objects.delete(uri),
    "names_in": lambda objects, uri: objects.names_in(uri),
    "objects_in": lambda objects, uri: objects.objects_in(uri),
    "created": create,
}


@pytest.fixture
def reader(monkeypatch):
    """A server that lets nobody write; waits between requests last no time."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    server = S3Server()
    yield server
    server.stop()


def told(operation, server):
    """Return what a failing operation says; no secret is in it."""
    uri = f"s3://{BUCKET}/a.txt"
    with pytest.raises(StoreError) as caught:
        OPERATIONS[operation](S3Objects(server.options), uri)
    assert str(caught.value).startswith(f"{uri}: ")
    assert not isinstance(caught.value, NoSuchFileError)
    assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"
    return str(caught.value)


@pytest.mark.parametrize(
    ("operation", "right"),
    [
        *((name, "list and read it") for name in ("read", "names_in", "objects_in")),
        *((name, "write it") for name in ("write", "created")),
        ("delete", "delete it"),
    ],
)
def test_access_that_is_denied_names_the_object_and_the_right(reader, operation, right):
    for kind in ("get", "list"):
        reader.fail(kind, 403, forever=True)
    assert told(operation, reader).endswith(f"; let the credentials of the connection {right}")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_server_that_is_not_there_names_the_object_and_the_endpoint(reader, operation):
    reader.stop()
    assert told(operation, reader).endswith("; check the endpoint of the connection, or run the task again")


def test_table_on_a_server_that_is_not_there_names_the_endpoint(reader, tmp_path):
    reader.stop()
    options = {"AWS_ENDPOINT_URL": reader.options["endpoint_url"], "AWS_ALLOW_HTTP": "true", "max_retries": "0"}
    options |= {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
    with pytest.raises(StoreError) as caught:
        LoopStore(make_loop(tmp_path), f"s3://{BUCKET}/store", options).read("labels")
    assert str(caught.value).startswith(f"s3://{BUCKET}/store/wire/labels: cannot read version newest")
    assert str(caught.value).endswith("; check the endpoint of the connection, or run the task again")
    assert SECRET not in str(caught.value)


def test_error_that_only_its_text_explains_has_no_remedy():
    assert remedy(ValueError("the schema differs")) is None


def test_uri_of_another_kind_is_refused_before_anything_is_opened():
    with pytest.raises(ConfigError, match=r"Got gs://bucket/logs, expected a folder of this machine or s3://"):
        objects_at("gs://bucket/logs", {})


def test_equal_options_share_a_client_and_others_do_not():
    options = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    assert s3_client(options) is s3_client(dict(reversed(options.items())))
    assert s3_client(options) is not s3_client({**options, "aws_access_key_id": "c"})


def test_options_of_the_tables_are_those_of_a_client_with_the_token_of_a_role(s3_options):
    given = {**s3_options, "AWS_SESSION_TOKEN": "token"}
    assert client_options(given) == {
        "endpoint_url": s3_options["AWS_ENDPOINT_URL"],
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test-secret",
        "aws_session_token": "token",
        "region_name": "us-east-1",
    }


def as_a_normal_user(folder, work):
    """Do something in a folder without the rights of root, which no mode keeps out; return its result or error as text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(folder)  # what is above it need not let that user through
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_534)
        try:
            text = str(work())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return told.read()


@pytest.mark.parametrize("closed", ["logs", "logs/deep", "logs/deep/er"])
@pytest.mark.parametrize("mode", [0o000, 0o111, 0o444])
def test_folder_that_may_not_be_read_is_an_error_wherever_it_is_and_never_empty(tmp_path, closed, mode):
    inner = tmp_path / "logs" / "deep" / "er"
    inner.mkdir(parents=True)
    (inner / "a.txt").write_bytes(b"x")
    tmp_path.chmod(0o755)
    listed = lambda: [one.name for one in LocalObjects().objects_in("logs") or []]  # noqa: E731
    assert as_a_normal_user(tmp_path, listed) == "['deep/er/a.txt']"
    (tmp_path / closed).chmod(mode)
    told = as_a_normal_user(tmp_path, listed)
    (tmp_path / closed).chmod(0o755)
    assert told.startswith("StoreError: logs: cannot be listed: [Errno 13] Permission denied: 'logs"), told
    assert told.endswith("; let the user that this runs as list and read it")


def test_links_are_followed_to_files_and_not_to_folders(tmp_path):
    (tmp_path / "place" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere.txt").write_bytes(b"x")
    (tmp_path / "place" / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    (tmp_path / "place" / "broken.txt").symlink_to(tmp_path / "none.txt")
    (tmp_path / "place" / "deep" / "round").symlink_to(tmp_path / "place")
    assert [one.name for one in LocalObjects().objects_in(str(tmp_path / "place")) or []] == ["link.txt"]
