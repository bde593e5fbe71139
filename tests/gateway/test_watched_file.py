import json

import pytest

from gateway.watched_file import WatchedFile
from include.foundation.errors import ConfigError


def read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(str(error)) from error


def test_file_is_read_again_when_it_changed_only(tmp_path):
    path = tmp_path / "file.json"
    path.write_text("1")
    watched = WatchedFile(path, read, "numbers")
    assert (watched.look(), watched.content) == (False, 1)
    path.write_text("22")
    assert (watched.look(), watched.content, watched.look()) == (True, 22, False)


def test_broken_or_missing_file_changes_nothing_and_is_told_once(tmp_path, caplog):
    path = tmp_path / "file.json"
    path.write_text("1")
    watched = WatchedFile(path, read, "numbers")
    path.write_text("{")
    assert [watched.look() for _ in range(3)] == [False] * 3
    assert (watched.content, bool(watched.problem), len(caplog.records)) == (1, True, 1)
    path.unlink()
    assert (watched.look(), watched.content, len(caplog.records)) == (False, 1, 2)
    path.write_text("333")
    assert (watched.look(), watched.content, watched.problem) == (True, 333, None)


def test_file_that_is_not_there_at_first_is_an_error(tmp_path):
    with pytest.raises(ConfigError):
        WatchedFile(tmp_path / "none", read, "numbers")
