import json
import logging

from gateway.event_log import JsonLines, told_problem


def test_problem_is_told_when_it_begins_when_it_changes_and_when_it_is_over(caplog):
    caplog.set_level(logging.INFO, "gateway")
    problem = None
    for error in (None, OSError("full"), OSError("full"), OSError("gone"), None, None):
        problem = told_problem("log cannot be written", error, problem, log="a")
    told = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert [(line["level"], line["event"], line.get("problem"), line["log"]) for line in told] == [
        ("error", "log cannot be written", "OSError: full", "a"),
        ("error", "log cannot be written", "OSError: gone", "a"),
        ("info", "no longer: log cannot be written", None, "a"),
    ]
