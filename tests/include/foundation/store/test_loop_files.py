"""Files of the loop appear whole, and below its folder."""

from pathlib import Path

import pytest

from include.foundation.errors import NoSuchFileError, StoreError
from include.foundation.store.loop_files import has_file, names_in, read_file, write_file
from tests.builders import make_store


def test_written_file_is_whole_and_can_be_written_again(tmp_path):
    store = make_store(tmp_path)
    uri = write_file(store, "reports/a.md", "one")
    assert write_file(store, "reports/a.md", "two") == uri
    assert Path(uri).read_text() == "two"
    assert [path.name for path in Path(uri).parent.iterdir()] == ["a.md"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/a", "a/../../b"])
def test_path_that_leaves_the_folder_is_refused(tmp_path, path):
    with pytest.raises(StoreError, match="relative one below"):
        write_file(make_store(tmp_path), path, "x")


def test_file_is_read_back_and_listed_by_its_path(tmp_path):
    store = make_store(tmp_path)
    write_file(store, "reports/é.md", "text with é")
    write_file(store, "reports/deep/picture.png", b"\x89PNG")
    assert read_file(store, "reports/é.md").decode() == "text with é"
    assert read_file(store, "reports/deep/picture.png") == b"\x89PNG"
    assert names_in(store, "reports") == ["deep", "é.md"]
    assert names_in(store, "pictures") == []
    assert [has_file(store, path) for path in ("reports/é.md", "reports/a.md", "pictures/é.md")] == [True, False, False]
    with pytest.raises(NoSuchFileError):
        read_file(store, "reports/a.md")
