import json
import os

import pytest

from gateway.api_keys import ApiKeys, Everybody, add_key
from gateway.make_key import main
from include.foundation.errors import ConfigError


def bearer(key):
    return b"Bearer " + key.encode()


def test_key_is_for_its_loop_only_and_is_kept_nowhere(tmp_path):
    path = tmp_path / "keys.json"
    first, second = add_key(path, "wire", "web"), add_key(path, "mail", "app")
    keys = ApiKeys(path)
    assert (keys.loops_of(bearer(first)), keys.loops_of(bearer(second))) == ({"wire"}, {"mail"})
    assert first not in path.read_text()
    assert path.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("header", [None, b"", b"Bearer ", b"Bearer wrong", b"Basic {key}", b"{key}"])
def test_what_is_no_key_opens_nothing(tmp_path, header):
    key = add_key(tmp_path / "keys.json", "wire", "web")
    assert ApiKeys(tmp_path / "keys.json").loops_of(header and header.replace(b"{key}", key.encode())) == frozenset()


def test_keys_are_rotated_while_both_are_valid_and_a_broken_file_changes_nothing(tmp_path):
    path = tmp_path / "keys.json"
    old = add_key(path, "wire", "2026")
    keys = ApiKeys(path)
    new = add_key(path, "wire", "2027")
    os.utime(path, (1, 1))
    keys.look()
    assert keys.loops_of(bearer(old)) == keys.loops_of(bearer(new)) == {"wire"}
    content = json.loads(path.read_text())
    del content["wire"]["2026"]
    path.write_text(json.dumps(content))
    os.utime(path, (2, 2))
    keys.look()
    assert (keys.loops_of(bearer(old)), keys.loops_of(bearer(new))) == (frozenset(), {"wire"})
    path.write_text("{")
    os.utime(path, (3, 3))
    keys.look()
    assert keys.loops_of(bearer(new)) == {"wire"}


@pytest.mark.parametrize("content", ["[]", "{", '{"wire": "key"}', '{"wire": {"web": "a key, not its digest"}}'])
def test_file_that_holds_something_else_is_refused(tmp_path, content):
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(ConfigError):
        ApiKeys(tmp_path / "keys.json")


def test_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError):
        ApiKeys(tmp_path / "keys.json")


def test_where_nobody_needs_a_key_everybody_may_ask_every_loop():
    assert Everybody(["wire"]).loops_of(None) == {"wire"}


def test_command_prints_a_key_and_refuses_a_name_that_there_is(tmp_path, capsys):
    path = tmp_path / "keys.json"
    assert main([str(path), "wire", "web"]) == 0
    assert ApiKeys(path).loops_of(bearer(capsys.readouterr().out.strip())) == {"wire"}
    assert main([str(path), "wire", "web"]) == 1
    assert "web" in capsys.readouterr().err
