"""One file that cannot be read is that loop's problem alone; nothing in the folder is passed over in silence."""

import os

import pytest

from include.foundation.config.loading import LARGEST, checked_loops, load_loops, loop_named, valid_loops
from include.foundation.errors import ConfigError
from tests.include.foundation.config.loop_texts import VALID, changed, write


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path))
    write(tmp_path, VALID)
    return tmp_path


def bomb():
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    return first + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))


BROKEN = {
    "broken-link": lambda path: path.symlink_to("nowhere"),
    "link-to-itself": lambda path: path.symlink_to(path),
    "folder": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "too-large": lambda path: path.write_text("#" * (LARGEST + 1)),
    "empty": lambda path: path.write_text(""),
    "not-utf-8": lambda path: path.write_bytes(b"name: \xff"),
    "utf-16": lambda path: path.write_text(VALID, encoding="utf-16"),
    "bomb": lambda path: path.write_text(bomb()),
    "deep": lambda path: path.write_text("[" * 100_000),
    "refers-to-itself": lambda path: path.write_text(changed(name="bad") + "x: &x [*x]\n"),
    "no-such-day": lambda path: path.write_text(VALID.replace("2026-01-31", "2026-02-30")),
    "endless-number": lambda path: path.write_text(VALID.replace("0.01", "9" * 5000)),
    "cron": lambda path: path.write_text(changed(name="bad", logs={"schedule": "every day"})),
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
def test_file_that_cannot_be_read_stops_its_own_loop_only_and_is_named(folder, make):
    make(folder / "bad.yaml")
    assert [loop.name for loop in valid_loops()] == ["wire"]
    assert loop_named("wire").owner == "desk"
    with pytest.raises(ConfigError) as caught:
        load_loops()
    assert all("bad.yaml" in problem for problem in caught.value.problems)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        loop_named("bad")


def test_file_without_permission_is_named(folder, monkeypatch):
    path = write(folder, VALID, "bad")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ConfigError, match=r"bad\.yaml cannot be read: Permission denied"):
        load_loops()


def test_editors_own_files_are_no_loops(folder):
    (folder / ".#wire.yaml").symlink_to("ada@host.4711:1")
    for name in (".wire.yaml.swp", "wire.yaml~", "#wire.yaml#", "._wire.yaml", "wire.yaml.bak", "README.md"):
        (folder / name).write_bytes(b"\x00\xff")
    assert [loop.name for loop in load_loops()] == ["wire"]


@pytest.mark.parametrize("name", ["other.yml", "other.YAML", "other.yaml.txt", "other.Yml"])
def test_file_that_looks_like_a_loop_file_and_is_none_is_named(folder, name):
    (folder / name).write_text(VALID)
    assert [loop.name for loop in valid_loops()] == ["wire"]
    with pytest.raises(ConfigError, match=f"{name} is not read: the name of a loop file ends in .yaml; rename it"):
        load_loops()


def test_name_of_any_bytes_can_be_printed(folder):
    (folder / os.fsdecode(b"\xff.yaml")).write_text(VALID)
    with pytest.raises(ConfigError) as caught:
        load_loops()
    assert b"\\xff.yaml" in str(caught.value).encode()


def test_two_loops_do_not_share_a_folder_of_answers(folder):
    write(folder, changed(name="other", labeling={"uri": "data/wire/labeling"}), "other")
    loops, problems = checked_loops()
    assert len(loops) == 2
    assert "labeling" in problems[0]
    assert "other" in problems[0]


def test_folder_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "nowhere"))
    for ask in (load_loops, valid_loops):
        with pytest.raises(ConfigError, match="cannot be listed: No such file or directory; make it, or mend"):
            ask()


def test_byte_order_mark_and_windows_line_ends_are_taken(folder):
    (folder / "wire.yaml").write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert loop_named("wire").owner == "desk"


@pytest.mark.parametrize(
    ("labeling", "key"),
    [
        ({"backend": "files", "uri": "data/shared"}, "uri: .*data/shared"),
        ({"backend": "label_studio", "uri": None, "project": "News"}, "project: 'News' at label_studio"),
    ],
)
def test_two_loops_do_not_take_each_others_answers(folder, labeling, key):
    for name in ("wire", "other"):
        (folder / f"{name}.yaml").write_text(changed(name=name, labeling=labeling))
    with pytest.raises(ConfigError, match=rf"wire\.yaml: labeling\.{key} is that of other, too"):
        load_loops()
