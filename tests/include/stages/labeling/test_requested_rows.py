"""A request is about one row: that which was asked about, though its trace id returns later."""

from datetime import timedelta

import pytest

from include.foundation.errors import ContractError
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.labeling.requested_rows import requested_predictions
from include.stages.labels.label_validation import validate_labels
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.labels.label_builders import collect, everyone_answers

LATER = 60


@pytest.fixture
def returning(tmp_path):
    """A store with a request about a trace id that returned, with other content, before it was pushed."""
    store = make_store(tmp_path, selection={"budget": 1, "diversify": "none"})
    write_lines(tmp_path, [line(0, input={"text": "asked about"})])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    write_lines(tmp_path, [line(0, when=day(LATER).start, input={"text": "months later"})], "later.jsonl")
    pull_logs(store, day(LATER), KEY)
    assert store.read("predictions").num_rows == 2
    return store


def requests(store, **changes):
    return [row | changes for row in store.read("requests").to_pylist()]


def text(store, rows):
    ((_, row),) = requested_predictions(store, rows).items()
    return row["input_text"]


def test_annotators_see_and_labels_store_the_row_that_was_asked_about(returning, tmp_path):
    push_requests(returning, backend_for(returning.loop, None))
    (written,) = (tmp_path / "labeling" / "requests").glob("*.jsonl")
    assert "asked about" in written.read_text()
    everyone_answers(tmp_path, {row["trace_id"]: row["request_id"] for row in requests(returning)}, lambda _: "earn")
    collect(returning)
    validate_labels(returning)
    (label,) = returning.read("labels").to_pylist()
    assert (label["input_text"], label["ts"]) == ("asked about", DAY + timedelta(hours=3))


@pytest.mark.parametrize(
    ("asked_at", "expected"), [(day().end, "asked about"), (day(LATER).end, "months later"), (DAY, "asked about")]
)
def test_request_of_an_earlier_version_is_about_the_newest_row_there_was(returning, asked_at, expected):
    assert text(returning, requests(returning, ts=None, asked_at=asked_at)) == expected


def test_row_that_gave_way_to_another_line_is_the_nearest(returning):
    moved = DAY + timedelta(days=2)
    assert text(returning, requests(returning, ts=moved)) == "asked about"
    assert text(returning, requests(returning, ts=day(LATER).end, asked_at=day(LATER + 1).end)) == "months later"


def test_only_the_days_asked_about_are_read(returning, monkeypatch):
    read = []
    real = type(returning).read
    monkeypatch.setattr(type(returning), "read", lambda *a, **k: read.append(k.get("filters")) or real(*a, **k))
    requested_predictions(returning, requests(returning)[:1])
    assert [item for filters in read[1:] for item in filters if item[0] == "day"] == [("day", "in", ["2026-03-10"])]


def test_row_that_is_gone_is_named(returning):
    with pytest.raises(ContractError, match="rows of 1 requests are not there any more"):
        requested_predictions(returning, requests(returning, trace_id="gone"))


def test_no_requests_are_about_nothing(returning):
    assert requested_predictions(returning, []) == {}
    assert rows_of(returning.loop, "requests", []).num_rows == 0
