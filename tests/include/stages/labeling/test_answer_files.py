"""Every line of an answer file is an answer or is refused with its number, however often it is looked at."""

import json
import os
import time

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from include.stages.labeling.backends import backend_for
from tests.builders import DAY, make_loop

REQUESTS = {"r1": "t1", "5": "t5"}
GOOD = {"request_id": "r1", "annotator": "ann", "label": "earn", "created_at": DAY.isoformat(), "lead_time_seconds": 3}
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(["r1", 5, "t5", "acq", "2099-01-01", "\ud800", 10**400, 1700000000000000001, "\u2028"]),
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from([*GOOD, "trace_id", "comment", "extra"]), VALUES, max_size=3)
NO_LINES = st.sampled_from([b"", b" \t", b"{", b"[1]", b"null", b"\xff", b"{}", b'{"a": 1, "a": 2}', b"\x00"])
LINES = st.lists(CHANGES.map(lambda changes: json.dumps(GOOD | changes).encode()) | NO_LINES, max_size=10)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, LINES, st.sampled_from([b"\n", b"\r\n"]))
def test_every_line_is_an_answer_or_refused_also_of_a_file_that_grows(tmp_path_factory, first, second, end):
    folder = tmp_path_factory.mktemp("fuzz")
    backend = backend_for(make_loop(folder), None)
    path = folder / "labeling" / "answers" / "a.jsonl"
    path.parent.mkdir(parents=True)
    written = time.time()  # the latest plausible time follows from it, and is told
    path.write_bytes(b"".join(line + end for line in first))
    os.utime(path, (written, written))
    before = backend.answers(REQUESTS, {})
    path.write_bytes(path.read_bytes() + b"".join(line + end for line in second))
    os.utime(path, (written, written))
    after = backend.answers(REQUESTS, {mark.source: mark for mark in before.read})
    lines = [*first, *second]
    assert len(before.rows) + len(before.refused) == sum(bool(line.strip()) for line in first)
    assert len(after.rows) + len(after.refused) == sum(bool(line.strip()) for line in second)
    for _, line in [*before.refused, *after.refused]:
        assert line.problems
        assert line.raw == lines[line.number - 1].decode("utf-8", "backslashreplace")
    whole = backend.answers(REQUESTS, {})
    assert (whole.rows, whole.refused) == (before.rows + after.rows, before.refused + after.refused)


def test_line_that_is_still_being_written_is_nothing_new(tmp_path):
    backend = backend_for(make_loop(tmp_path), None)
    path = tmp_path / "labeling" / "answers" / "a.jsonl"
    path.parent.mkdir(parents=True)
    whole, marks, found = json.dumps(GOOD), {}, []
    for last in (whole[:20], whole[:25], whole + "\n"):
        path.write_text(f"{whole}\n{last}")
        answers = backend.answers(REQUESTS, marks)
        marks |= {mark.source: mark for mark in answers.read}
        found.append((len(answers.rows), len(answers.refused), len(answers.read)))
    assert found == [(1, 0, 1), (0, 0, 0), (1, 0, 1)]
