"""Judged batches can be browsed: a page each, and an index of the newest that costs the same for ever."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest
from moto.server import ThreadedMotoServer

from include.foundation.quality import data_docs
from include.foundation.quality.data_docs import NEWEST, Judged, newest_results, publish
from include.foundation.quality.expectations import run_suite, suite_of
from include.foundation.store.loop_files import names_in, write_file
from include.foundation.store.tables import LoopStore
from tests.builders import DAY, make_loop, make_store
from tests.include.stages.reports.page_reader import Page

EVIL = "<script>alert('1')</script>"
IN_SET: tuple[str, dict[str, Any]] = ("expect_column_values_to_be_in_set", {"column": "label", "value_set": ["a"]})
MISSED = run_suite(suite_of(EVIL, [IN_SET]), pd.DataFrame({"label": ["a", EVIL]}))
MET = run_suite(suite_of("s", [IN_SET]), pd.DataFrame({"label": ["a"]}))


def judged(number, **changes):
    given: dict[str, Any] = {
        "kind": "logs",
        "at": DAY + timedelta(days=number),
        "key": "k",
        "title": f"batch {number}.",
    }
    return Judged(**given | changes)


def links(page):
    return [(page.parent / link).resolve() for link in re.findall(r'href="([^"]+)"', page.read_text())]


def test_index_leads_to_every_page_and_back(tmp_path):
    store = make_store(tmp_path)
    pages = [Path(publish(store, judged(number), MET)).resolve() for number in range(3)]
    index = Path(store.uri, "_files/expectations/index.html").resolve()
    assert links(index) == pages[::-1]
    assert all(links(page) == [index] for page in pages)


def test_batch_judged_again_is_listed_once_with_its_new_verdict(tmp_path):
    store = make_store(tmp_path)
    publish(store, judged(0), MISSED)
    publish(store, judged(0), MET)
    assert [result.success for _, result in newest_results(store)] == [True]


def test_labels_and_logs_are_listed_together_by_time(tmp_path):
    store = make_store(tmp_path)
    for number, kind in ((2, "logs"), (40, "labels"), (3, "labels"), (1, "logs")):
        publish(store, judged(number, kind=kind), MET)
    assert [result.details["title"] for _, result in newest_results(store)] == [f"batch {n}." for n in (40, 3, 2, 1)]


def test_index_has_the_newest_and_reads_no_more_than_that(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    for number in range(NEWEST + 5):
        path = judged(number).path
        write_file(
            store, f"{data_docs.FOLDER}/{path}.json", '{"title": "t", "results": [], "meta": {}, "statistics": {}}'
        )
    read, listed = [], []
    real_read, real_names = data_docs.read_file, data_docs.names_in  # type: ignore[attr-defined]
    monkeypatch.setattr(data_docs, "read_file", lambda *given: (read.append(given), real_read(*given))[1])
    monkeypatch.setattr(data_docs, "names_in", lambda *given: (listed.append(given), real_names(*given))[1])
    listed_paths = [path for path, _ in newest_results(store)]
    assert listed_paths == [judged(number).path for number in range(NEWEST + 4, 4, -1)]
    assert len(read) == NEWEST
    early = make_store(tmp_path)
    write_file(early, f"{data_docs.FOLDER}/2001-01/20010101T000000-logs-k.json", "never read")
    listed.clear()
    newest_results(store)
    assert not [folder for _, folder in listed if "2001" in folder]


def test_lost_index_is_whole_again_with_the_next_batch(tmp_path):
    store = make_store(tmp_path)
    publish(store, judged(0), MET)
    write_file(store, f"{data_docs.FOLDER}/index.html", "another writer's")
    publish(store, judged(1), MET)
    index = Path(store.uri, "_files/expectations/index.html").read_text()
    assert "batch 0." in index
    assert "batch 1." in index


def test_pages_escape_what_they_show_and_load_nothing(tmp_path):
    store = make_store(tmp_path)
    noted = run_suite(
        {"name": "s", "expectations": [{"type": IN_SET[0], "kwargs": IN_SET[1], "meta": {"notes": EVIL}}]},
        pd.DataFrame({"label": ["a"]}),
    )
    pages = [Path(publish(store, judged(n, title=EVIL, facts={EVIL: EVIL}), r)) for n, r in ((0, MISSED), (1, noted))]
    for page in [*pages, Path(store.uri, "_files/expectations/index.html")]:
        text = page.read_text()
        assert "script" not in Page(text).tags
        assert EVIL in Page(text).text
        assert not re.search(r"src=|@import|url\(|http://|https://", text)
        assert "default-src 'none'" in text
    assert "&lt;script&gt;" in pages[1].read_text().partition("<table")[2]


def test_missed_come_first_and_say_the_share(tmp_path):
    both = [("expect_table_row_count_to_equal", {"value": 2}), IN_SET]
    result = run_suite(suite_of("s", both), pd.DataFrame({"label": ["a", "b"]}))
    text = Path(publish(make_store(tmp_path), judged(0), result)).read_text()
    assert text.index("1 of 2 rows") < text.index("observed 2")
    assert "width:50.0%" in text


@pytest.mark.parametrize(
    ("result", "said"),
    [(MET, "Every expectation is met"), (MISSED, "The loop stopped before it could learn from this batch")],
)
def test_page_says_what_its_verdict_means(tmp_path, result, said):
    assert said in Path(publish(make_store(tmp_path), judged(0), result)).read_text()


def test_warning_says_that_the_loop_went_on(tmp_path):
    suite = {"name": "s", "expectations": [{"type": IN_SET[0], "kwargs": IN_SET[1], "severity": "warning"}]}
    page = Path(publish(make_store(tmp_path), judged(0), run_suite(suite, pd.DataFrame({"label": ["b"]})))).read_text()
    assert "the loop went on" in page
    assert "The loop stopped" not in page


def test_expectation_that_every_row_meets_says_so_and_an_empty_batch_claims_nothing(tmp_path):
    assert "all 1 rows do" in Path(publish(make_store(tmp_path), judged(0), MET)).read_text()
    nothing = run_suite(suite_of("s", [IN_SET]), pd.DataFrame({"label": []}))
    assert "rows do<" not in Path(publish(make_store(tmp_path), judged(1), nothing)).read_text()


@pytest.mark.parametrize(("rows", "said"), [(2, "all rows"), (3, "a uniform sample of 2, the same each time")])
def test_page_says_how_many_rows_were_looked_at(tmp_path, rows, said):
    result = run_suite(suite_of("s", [IN_SET]), pd.DataFrame({"label": ["a", "a"]}), rows)
    page = Path(publish(make_store(tmp_path), judged(0), result)).read_text()
    assert said in page
    assert ("uniform sample" in page) == (rows == 3)


@pytest.mark.parametrize(
    ("facts", "told"), [({"refused": "110 (8.4%)"}, True), ({"refused": "0 (0.0%)"}, False), ({}, False)]
)
def test_page_says_where_refused_lines_are(tmp_path, facts, told):
    page = Path(publish(make_store(tmp_path), judged(0, facts=facts), MET)).read_text()
    assert ("table quarantine" in page) == told


@pytest.fixture
def object_store(tmp_path):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}
    store = LoopStore(make_loop(tmp_path), "s3://docs/store", {"AWS_ENDPOINT_URL": f"http://{host}:{port}", **keys})
    boto3.client("s3", **store.s3_client_options).create_bucket(Bucket="docs")
    yield store
    server.stop()


def test_pages_are_published_on_an_object_store(object_store):
    assert newest_results(object_store) == []
    pages = [publish(object_store, judged(number), MET) for number in (0, 40)]
    assert [result.details["title"] for _, result in newest_results(object_store)] == ["batch 40.", "batch 0."]
    assert pages[0] == f"{object_store.uri}/_files/expectations/{judged(0).path}.html"
    assert names_in(object_store, "expectations") == ["2026-03", "2026-04", "index.html"]
    index = boto3.client("s3", **object_store.s3_client_options).get_object(
        Bucket="docs", Key="store/wire/_files/expectations/index.html"
    )
    assert f'href="{judged(40).path}.html"' in index["Body"].read().decode()
