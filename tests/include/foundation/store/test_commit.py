"""What is in a table's log decides whether a commit was made, whatever the answer was."""

import pytest
from deltalake import write_deltalake

from include.foundation.errors import StoreError
from tests.builders import make_store
from tests.include.foundation.store.test_tables import annotations


@pytest.fixture
def store(tmp_path):
    """A store whose annotations have one row."""
    store = make_store(tmp_path)
    store.append_new("annotations", annotations(store, 1))
    return store


def committed(store, number, attempt):
    """Commit an annotation by what an attempt does with the function that writes it."""

    def write(fence):
        write_deltalake(
            store.open_table("annotations"), annotations(store, number), mode="append", commit_properties=fence
        )

    return store.commit("annotations", store.version("annotations"), lambda fence: attempt(lambda: write(fence)))


def ids(store):
    return sorted(store.read("annotations")["annotation_id"].to_pylist())


def test_commit_that_is_answered_is_made(store):
    assert committed(store, 2, lambda write: write()) is True
    assert ids(store) == ["a1", "a2"]


def test_commit_whose_answer_is_lost_is_made(store):
    def loses_the_answer(write):
        write()
        raise OSError("connection reset")

    assert committed(store, 2, loses_the_answer) is True
    assert ids(store) == ["a1", "a2"]


def test_commit_that_fails_with_nothing_in_the_log_is_an_error_that_says_why(store):
    def fails(_):
        raise OSError("connection refused")

    with pytest.raises(StoreError, match="annotations: could not commit: connection refused"):
        committed(store, 2, fails)
    assert ids(store) == ["a1"]


def test_commit_that_another_writer_was_before_is_not_made(store):
    def comes_second(_):
        store.append_new("annotations", annotations(store, 3))
        raise OSError("conflict")

    assert committed(store, 2, comes_second) is False
    assert ids(store) == ["a1", "a3"]


def test_first_commit_of_a_table_that_another_writer_made_is_not_made(tmp_path):
    store = make_store(tmp_path)

    def comes_second(_):
        store.append_new("annotations", annotations(store, 1))
        raise OSError("conflict")

    assert store.commit("annotations", None, comes_second) is False
