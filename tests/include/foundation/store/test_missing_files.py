"""A file that the log names and that is gone: whoever reads it says so, and what to do."""

import pytest

from include.foundation.errors import StoreError
from include.stages.drift.profiling.profiles import profile_days
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store, write_lines


@pytest.fixture
def store(tmp_path):
    """A store whose first day of predictions is gone, with more lines of that day to be pulled."""
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(n) for n in range(12)], "a.jsonl")
    pull_logs(store, day(), KEY)
    for path in (tmp_path / "store").rglob("predictions/day=*/*.parquet"):
        path.unlink()
    return store


def test_reading_the_table_says_which_file_is_gone(store):
    with pytest.raises(StoreError, match=r"\.parquet.*check-store"):
        store.read("predictions")


def test_profiling_the_day_says_which_file_is_gone(store):
    with pytest.raises(StoreError, match=r"\.parquet"):
        profile_days(store, day())


def test_validating_the_logs_says_which_file_is_gone(store):
    with pytest.raises(StoreError, match=r"\.parquet"):
        validate_logs(store, day())


def test_pulling_more_lines_of_the_day_says_which_file_is_gone(store, tmp_path):
    write_lines(tmp_path, [line(n) for n in range(10, 14)], "b.jsonl")
    with pytest.raises(StoreError, match=r"\.parquet"):
        pull_logs(store, day(), KEY)
