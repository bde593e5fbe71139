"""The demo's gateway answers with the days that it is told, and what it logged is there to be pulled when it has answered."""

import time
from datetime import date

import pytest

from demo.example_data import Example
from demo.gateway_server import GatewayServer, serving
from demo.standalone import Standalone
from demo.traffic import Traffic
from include.foundation.config.loading import LOOPS_DIR_VARIABLE
from include.foundation.errors import FeedbackLoopError
from include.foundation.intervals import Interval
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from include.stages.logs.shadow.shadow_lines import pull_shadow
from tests.builders import KEY
from tests.gateway.gateway_worlds import World, make_world, registered
from tests.gateway.test_shadow_process import judged
from tests.include.stages.training.challenger_builders import WORDS

pytestmark = pytest.mark.integration
DAY = date(2026, 3, 10)
ROWS = 230  # more than one request has
EXAMPLES = [Example({"text": f"{words} {n}"}, name) for n in range(100) for name, words in WORDS.items()]


@pytest.fixture
def world(tmp_path, mlflow_template) -> World:
    return make_world(tmp_path, registered(tmp_path / "registry", mlflow_template))


@pytest.fixture
def gateway(world, monkeypatch):
    return gateway_of(world, monkeypatch)


def gateway_of(world, monkeypatch):
    """Return a gateway of the demo on a world's loop; it is not started yet."""
    monkeypatch.delenv(LOOPS_DIR_VARIABLE, raising=False)
    airflow = Standalone(
        home=world.folder / "airflow",
        store=str(world.folder / "store"),
        tracking_uri=world.registry.tracking_uri,
        loops=world.folder / "loops",
    )
    return GatewayServer(world.store.loop, airflow)


def wait_for(gateway, version):
    while gateway.version() != version:
        time.sleep(0.05)


def test_what_a_challenger_said_of_a_day_is_logged_when_it_was_asked_about_all(tmp_path, mlflow_template, monkeypatch):
    shadow = {"uri": str(tmp_path / "shadow"), "requests": ROWS}
    deploy = {"strategy": "shadow", "shadow": shadow}
    world = make_world(tmp_path, registered(tmp_path / "registry", mlflow_template), deploy=deploy)
    gateway = gateway_of(world, monkeypatch)
    judged(world, "await_live")
    with serving(gateway):
        wait_for(gateway, "1")
        assert gateway.wait_for_challenger() == "2"
        assert Traffic(world.store.loop, EXAMPLES).serve_day(DAY, ROWS, gateway) == {"1": ROWS}
        assert gateway.asked_challenger() == ROWS
        report = pull_shadow(world.store, Interval.parse("2026-03-10", "2026-03-11"), KEY)
    assert (report.rows, report.refused) == (ROWS, 0)


def test_day_is_answered_logged_with_its_times_and_pulled_and_the_ledger_is_followed(world, gateway):
    traffic = Traffic(world.store.loop, EXAMPLES)
    with serving(gateway):
        wait_for(gateway, "1")
        assert traffic.serve_day(DAY, ROWS, gateway) == {"1": ROWS}
        world.deploy("2")
        wait_for(gateway, "2")
        assert gateway.readiness() == "ready"
        assert "Bearer" not in repr(gateway)
    interval = Interval.parse("2026-03-10", "2026-03-11")
    report = pull_logs(world.store, interval, KEY)
    assert (report.rows, report.late, report.refused, report.duplicates) == (ROWS - 1, 1, 0, 0)
    assert set(world.store.read("predictions").column("trace_id").to_pylist()) == set(traffic.truth)
    assert pull_feedback(world.store, interval, KEY).rows > 0
    own = [gateway.log, world.folder / "airflow" / "gateway" / "keys.json", *world.logs.rglob("*.jsonl")]
    assert len(own) >= 3
    assert [path for path in own if path.stat().st_mode & 0o077] == []


def test_gateway_that_ends_while_starting_says_why(world, gateway):
    (world.folder / "loops" / f"{world.store.loop.name}.yaml").unlink()
    with pytest.raises(FeedbackLoopError, match="No loop 'tiny'"):
        gateway.start()
