"""What alerts and dashboards ask for is what the exporter has; Prometheus' tools check the rest where they are there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from observability.dashboards import DASHBOARDS, FOLDER, dashboard_json
from tests.conftest import ROOT

ALERTS = ROOT / "observability" / "prometheus" / "alerts.yml"
PROMTOOL = shutil.which("promtool")
NAME = re.compile(r"feedback_loop_[a-z_]+")
# What only a guard's verdict, or an answer that took time and has a price, gives.
NOT_IN_THE_STORY = {
    "feedback_loop_accuracy", "feedback_loop_accuracy_floor", "feedback_loop_advantage", "feedback_loop_guard",
    "feedback_loop_work_of_month_seconds", "feedback_loop_cost_of_month", "feedback_loop_turnaround_seconds",
}  # fmt: skip


def asked() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for uid in DASHBOARDS:
        for panel in json.loads((FOLDER / f"{uid}.json").read_text())["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"]


@pytest.mark.parametrize(("where", "query"), list(asked()))
def test_every_query_asks_for_metrics_that_there_are(
    where: str, query: str, names: set[str], gateway_names: set[str]
) -> None:
    wanted = set(NAME.findall(query))
    assert wanted, where
    assert wanted <= names | NOT_IN_THE_STORY | gateway_names, where


def test_every_metric_is_shown_or_alerted_on(names: set[str], gateway_names: set[str]) -> None:
    asked_for = {name for _, query in asked() for name in NAME.findall(query)}
    shown = asked_for - gateway_names
    beside = {
        "feedback_loop_live_since_timestamp_seconds",
        "feedback_loop_drift_flagged",
        "feedback_loop_answers_of_month",
    }
    assert names | NOT_IN_THE_STORY == shown | beside
    families = {re.sub("_(total|bucket|sum|count)$", "", name) for name in gateway_names}
    assert families == {re.sub("_(total|bucket)$", "", name) for name in asked_for & gateway_names}


@pytest.mark.parametrize("uid", sorted(DASHBOARDS))
def test_the_files_are_what_grafanas_own_types_write(uid: str) -> None:
    """`.venv/bin/python -m observability.dashboards` writes them anew."""
    assert (FOLDER / f"{uid}.json").read_text() == dashboard_json(uid)
    panels = json.loads(dashboard_json(uid))["panels"]
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert all(panel["description"] for panel in panels)


def test_nothing_else_is_provisioned() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(DASHBOARDS)


def test_every_alert_says_what_to_do() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert all(
        rule["annotations"].keys() == {"summary", "action"} and rule["labels"].keys() == {"severity"} for rule in rules
    )


@pytest.mark.skipif(PROMTOOL is None, reason="Debian's package prometheus has promtool")
class TestPromtool:
    def test_finds_nothing_wrong_with_the_rules(self) -> None:
        assert promtool("check", "rules", str(ALERTS)) == ""

    def test_finds_nothing_wrong_with_the_metrics(self, registry: CollectorRegistry) -> None:
        assert promtool("check", "metrics", given=generate_latest(registry)) == ""

    def test_fires_what_it_should(self) -> None:
        assert promtool("test", "rules", str(Path(__file__).parent / "alert_tests.yml")) == ""


def promtool(*arguments: str, given: bytes = b"") -> str:
    """Return what it complains about."""
    assert PROMTOOL
    done = subprocess.run([PROMTOOL, *arguments], input=given, capture_output=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()
