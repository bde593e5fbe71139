"""A refused line is kept with every reason, up to a length, under a key that its content makes."""

import pytest

from include.foundation.lines.line_files import Line
from include.foundation.lines.refusals import LONGEST_RAW, refusal
from include.foundation.lines.values import Problem
from tests.builders import DAY, day

PROBLEMS = [Problem("missing", "ts: missing"), Problem("wrong_type", "x: got 1")]


def line(raw="{}", record=None, number=7):
    return Line(number, record, PROBLEMS, raw)


def test_a_refusal_has_the_first_code_and_all_reasons():
    record = {"trace_id": 5, "ts": DAY.isoformat(), "model_version": 3}
    row = refusal("logs", "a.jsonl", line(record=record), day())
    assert (row["reason_code"], row["reason"]) == ("missing", "ts: missing; x: got 1")
    assert (row["line"], row["source"], row["trace_id"], row["ts"], row["model_version"]) == (
        7,
        "a.jsonl",
        "5",
        DAY,
        "3",
    )
    assert (row["interval_start"], row["interval_end"]) == (day().start, day().end)


def test_a_refusal_without_an_interval_or_a_record_has_nothing_of_them():
    row = refusal("answers", "a.jsonl", line(), None)
    assert [row[name] for name in ("interval_start", "interval_end", "trace_id", "ts", "model_version")] == [None] * 5


@pytest.mark.parametrize(("length", "kept"), [(LONGEST_RAW, LONGEST_RAW), (LONGEST_RAW + 1, LONGEST_RAW + 1)])
def test_a_long_line_is_kept_up_to_a_length_and_says_that_there_was_more(length, kept):
    raw = refusal("logs", "a.jsonl", line("x" * length), None)["raw"]
    assert len(raw) == kept
    assert raw.endswith("…") == (length > LONGEST_RAW)
    assert LONGEST_RAW == 65_536


def test_the_same_line_has_the_same_key_and_every_other_another():
    keys = {
        refusal(stage, source, line(raw, number=number), None)["refusal_id"]
        for stage, source, raw, number in [
            ("logs", "a", "{}", 7), ("logs", "a", "{}", 7), ("seeds", "a", "{}", 7), ("logs", "b", "{}", 7),
            ("logs", "a", "[]", 7), ("logs", "a", "{}", 8),
        ]
    }  # fmt: skip
    assert len(keys) == 5
