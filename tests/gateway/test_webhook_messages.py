import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.refusals import Refusal
from gateway.webhook_messages import lines_of
from include.foundation.lines.log_lines import LineReader
from include.foundation.lines.values import parse_object
from tests.builders import make_tiny_loop

LOOP = make_tiny_loop(["a", "b"])
NOW = datetime.now(UTC).isoformat()
PREDICTION = {"trace_id": "t1", "ts": NOW, "model_version": 3, "input": {"text": "x"}, "prediction": "a"}
SIGNAL = {"feedback_id": "f1", "trace_id": "t1", "ts": NOW, "kind": "explicit", "signal": "report"}


def message(data, kind="prediction"):
    return json.dumps({"type": f"{kind}.created", "timestamp": NOW, "data": data}).encode()


def refused(body, loop=LOOP):
    with pytest.raises(Refusal) as refusal:
        lines_of(body, loop)
    return refusal.value


def test_line_is_kept_as_it_came():
    line = b'{"trace_id":\r\n "t\xe2\x80\xa8 1",\n"ts":"2026-11-01T09:30Z","model_version":"3",'
    line += b'"input":{"text":"\\n"},"prediction":"a"}'
    log, kept, total = lines_of(b'{"data": %s, "more": 1, "type": "prediction.created"}' % line, LOOP)
    assert (log, total, kept) == ("predictions", 1, [line.replace(b"\r\n", b"  ").replace(b"\n", b" ")])
    row, problems = LineReader(LOOP).row(parse_object(kept[0])[0] or {}, datetime.now(UTC))
    assert (row["trace_id"], problems) == ("t\u2028 1", [])


def test_several_lines_keep_their_order_and_a_failure_of_the_model_is_a_line():
    failed = {**PREDICTION, "trace_id": "t2", "prediction": None, "error": "out of memory"}
    log, kept, total = lines_of(message([PREDICTION, failed]), LOOP)
    assert (log, total, [json.loads(line)["trace_id"] for line in kept]) == ("predictions", 2, ["t1", "t2"])


@pytest.mark.parametrize(
    "change",
    [
        {"trace_id": None}, {"ts": "yesterday"}, {"ts": (datetime.now(UTC) + timedelta(hours=1)).isoformat()},
        {"prediction": "c"}, {"input": {"text": 3}}, {"input": None}, {"probabilities": {"a": 0.5}}, {"impact": -1},
        {"context": "x"},
    ],
    ids=lambda change: f"{next(iter(change))}",
)  # fmt: skip
def test_line_that_a_pull_would_refuse_refuses_the_message_with_the_pulls_reason(change):
    refusal = refused(message([PREDICTION, PREDICTION | change]))
    _, problems = LineReader(LOOP).row(PREDICTION | change, datetime.now(UTC) + timedelta(minutes=5))
    told = [problem.split(" by ")[0] for problem in refusal.problems]  # which moment it is, differs
    assert (refusal.status, told) == (422, [f"line 1: {problem.reason}".split(" by ")[0] for problem in problems])


@pytest.mark.parametrize("change", [{"kind": "spoken"}, {"feedback_id": ""}, {"signal": None}, {"ts": 5}], ids=str)
def test_signal_that_a_pull_would_refuse_is_refused(change):
    assert refused(message(SIGNAL | change, "feedback")).status == 422


@pytest.mark.parametrize(("policy", "kept"), [("assumed", ["f1", "f2"]), ("required", ["f2"])])
def test_signal_that_may_not_be_kept_is_not_written(policy, kept):
    loop = make_tiny_loop(["a", "b"], feedback={"uri": "feedback", "consent": policy})
    signals = [
        SIGNAL,
        SIGNAL | {"feedback_id": "f2", "consent": "yes"},
        SIGNAL | {"feedback_id": "f3", "consent": False},
    ]
    log, lines, total = lines_of(message(signals, "feedback"), loop)
    assert (log, total, [json.loads(line)["feedback_id"] for line in lines]) == ("feedback", 3, kept)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff", 400), (b"[]", 422), (b"{}", 422), (b'{"type": "prediction.created"}', 422),
        (b'{"type": "other.created", "data": {}}', 422), (b'{"type": "prediction.created", "data": []}', 422),
        (b'{"type": "prediction.created", "data": 5}', 422), (b'{"type": "prediction.created", "data": [{}, 5]}', 422),
        (b'{"type": "prediction.created", "data": {"a": 1, "a": 2}}', 422),
        (b'{"type": "prediction.created", "data": [%s]}' % b",".join([b"{}"] * 1025), 422),
        (b'{"type": "prediction.created", "data": ' + b"[" * 5000, 400),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_body_that_is_no_message_is_refused(body, status):
    assert refused(body).status == status
