"""The guard's verdict is recorded, whatever it is."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock, create_autospec

from feedback_loop.operators.watch_deployment import WatchDeploymentOperator

from include.foundation.decisions import GuardVerdict, latest
from include.foundation.errors import StoreError
from include.foundation.store.ledgers import deployments
from include.foundation.store.ledgers.deployments import Deployment, Promise, append_deployment
from include.foundation.store.loop_files import read_file, write_file
from tests.include.stages.training.challenger_builders import DAY, add_labels, add_predictions, label_row
from tests.plugins.operators.operator_builders import context, with_store


def watch(store):
    reference = with_store(WatchDeploymentOperator(task_id="t", loop="tiny"), store).execute(context())
    assert reference == latest(store, GuardVerdict).reference
    return reference


def add_served(store, version, count, begin):
    """Log as many rows of a version, from two minutes after a moment on."""
    moments = [begin + timedelta(minutes=2, seconds=number) for number in range(count)]
    add_predictions(store, [(moment - DAY) / timedelta(days=1) for moment in moments], version)


def test_before_any_deployment_nothing_is_live(labeled):
    assert watch(labeled)["outcome"] == "nothing_live"


def test_first_champion_that_is_always_wrong_misses_its_promise_and_has_nothing_to_go_back_to(labeled, told):
    told(labeled.loop)
    append_deployment(labeled, Deployment("1", None, "deploy", "because", "digest", Promise(0.95, 0.9, 1.0)))
    rows = [label_row(n, split="holdout", stratum="random", predicted="wrong") for n in range(1, 60)]
    add_labels(labeled, rows)
    assert watch(labeled) == latest(labeled, GuardVerdict).reference
    assert (watch(labeled)["subject"], watch(labeled)["outcome"]) == ("1", "below_promise")
    assert latest(labeled, GuardVerdict).reasons[-1].endswith("a rollback would help: it has no predecessor.")
    assert [line["event"] for line in told()] == ["missed_promise"]
    assert "BELOW ITS PROMISE: version 1, below_promise: " in told()[0]["message"]


def test_watch_that_ended_without_a_row_is_told_once(labeled, told):
    told(labeled.loop)
    add_predictions(labeled, [0], version="0")
    append_deployment(labeled, Deployment("1", None, "deploy", "because", "digest", Promise(0.95, 0.9, 1.0)))
    add_predictions(labeled, [1], version="v1")
    assert watch(labeled)["outcome"] == "no_data"
    assert told() == []
    for day in (9, 10):
        add_predictions(labeled, [day], version="v1")
        watch(labeled)
    assert [line["event"] for line in told()] == ["no_live_data"]
    assert "NOT WATCHED: version 1, no_data: No row of version 1 was logged" in told()[0]["message"]


def test_canary_whose_callers_do_not_fit_its_share_is_told_once(labeled, told, monkeypatch):
    told(labeled.loop)
    append_deployment(labeled, Deployment("1", None, "deploy", "because", "digest", None))
    began = datetime.now(UTC) - timedelta(hours=2)
    with monkeypatch.context() as patch:
        patch.setattr(deployments, "datetime", Mock(now=lambda _: began))
        append_deployment(labeled, Deployment("2", "1", "canary", "because", "canary", None, share=0.5))
    add_served(labeled, "2", 100, began)
    add_served(labeled, "1", 100, began)
    assert watch(labeled)["outcome"] == "inconclusive"
    add_served(labeled, "1", 100, began + timedelta(minutes=20))
    for _ in range(2):
        assert watch(labeled)["outcome"] == "mismatch"
        add_served(labeled, "1", 5, began + timedelta(minutes=40))
    assert [line["event"] for line in told()] == ["canary_mismatch"]
    assert "CANARY HELD: version 2, mismatch: canary: version 2 serves 50%" in told()[0]["message"]


def test_verdict_is_on_the_index_and_recorded_even_where_that_cannot_be_written(labeled, monkeypatch):
    append_deployment(labeled, Deployment("1", None, "deploy", "because", "digest", Promise(0.95, 0.9, 1.0)))
    refuse = create_autospec(write_file, side_effect=StoreError("disk full"))
    with monkeypatch.context() as broken:
        broken.setattr("include.stages.reports.kept_pages.write_file", refuse)
        assert watch(labeled)["outcome"] == "no_data"
    assert refuse.called
    add_predictions(labeled, [1])
    watch(labeled)
    assert "guard: inconclusive" in read_file(labeled, "reports/index.html").decode()
