import pytest

from gateway.messages import Instance, predict_request, signals_of
from gateway.refusals import Refusal
from gateway.row_checks import checked_rows
from tests.builders import make_tiny_loop

LOOP = make_tiny_loop(
    ["a", "b"],
    inputs={
        "text": {"type": "text"},
        "age": {"type": "numeric", "required": False, "minimum": 0},
        "plan": {"type": "categorical", "required": False},
        "pixels": {"type": "vector", "size": 2, "required": False},
    },
)


def test_values_are_those_that_a_pull_would_store():
    (row,) = checked_rows(LOOP, [Instance({"text": "", "age": 3, "plan": 7.0, "pixels": [1, 2.5]})])
    assert row == {"text": "", "age": 3.0, "plan": "7", "pixels": [1.0, 2.5]}
    assert checked_rows(LOOP, [Instance({"text": "x"})]) == [{"text": "x", "age": None, "plan": None, "pixels": None}]


@pytest.mark.parametrize(
    "given",
    [
        {}, {"text": None}, {"text": 3}, {"text": "x", "age": "3"}, {"text": "x", "age": True}, {"text": "x", "age": -1},
        {"text": "x", "age": 10**400}, {"text": "x", "plan": ["a"]}, {"text": "x", "pixels": [1]}, {"text": "x", "other": 1},
        {"text": "x", "pixels": [1, None]}, {"text": "x", "pixels": "[1, 2]"},
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_row_that_a_pull_would_refuse_is_refused(given):
    with pytest.raises(Refusal) as refused:
        checked_rows(LOOP, [Instance({"text": "fine"}), Instance(given)])
    assert refused.value.status == 422
    assert all(problem.startswith("row 1: input") for problem in refused.value.problems)


def test_all_problems_of_all_rows_are_told_ten_of_them_in_words():
    with pytest.raises(Refusal) as refused:
        checked_rows(LOOP, [Instance({})] * 25)
    assert len(refused.value.content["problems"]) == 11
    assert refused.value.content["problems"][-1] == "… and 15 more"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff", 400), (b'{"input": {"text": "\xff"}}', 400), (b'{"input": {"a": NaN}}', 400),
        (b'{"input": ' + b'{"a":' * 5000, 400),
        (b'{"input": {"text": "\\ud800x"}}', 400), (b"[]", 422), (b"null", 422), (b'{"input": 1}', 422),
        (b'{"input": {}, "inputs": {}}', 422), (b'{"instances": [{}]}', 422), (b'{"input": {"a": 1e999}}', 422),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_body_that_is_no_request_is_refused(body, status):
    with pytest.raises(Refusal) as refused:
        predict_request(body)
    assert refused.value.status == status
    if body != b'{"input": {}, "inputs": {}}':
        with pytest.raises(Refusal):
            signals_of(body)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"input": {}, "instances": [{"input": {}}]}', b'{"user_id": "u", "instances": [{"input": {}}]}']
)
def test_request_is_one_row_or_several(body):
    with pytest.raises(Refusal, match="not valid"):
        _ = predict_request(body).rows


@pytest.mark.parametrize(("depth", "is_taken"), [(99, True), (100, False), (900, False)])
def test_value_of_feedback_is_nested_no_deeper_than_a_pull_reads(depth, is_taken):
    signal = b'{"trace_id": "t", "kind": "explicit", "signal": "note", "value": ' + b"[" * depth + b"]" * depth + b"}"
    if is_taken:
        assert len(signals_of(signal)[1]) == 1
    else:
        with pytest.raises(Refusal, match="value"):
            signals_of(signal)


@pytest.mark.parametrize("name", ["context", "metadata"])
def test_object_of_the_client_is_as_large_as_a_pull_takes(name):
    instance = Instance({"text": "x"})
    setattr(instance, name, {"a": "x" * 60_000})
    checked_rows(LOOP, [instance])
    setattr(instance, name, {"a": "x" * 66_000})
    with pytest.raises(Refusal) as refused:
        checked_rows(LOOP, [instance])
    assert "65,536" in refused.value.problems[0]
