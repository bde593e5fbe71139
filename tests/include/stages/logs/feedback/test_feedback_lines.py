"""Feedback comes in once, with consent, under pseudonyms."""

import gzip
import json

import pytest

from include.stages.logs.feedback.feedback_lines import pull_feedback
from tests.builders import DAY, KEY, day, make_store


def signal(number, **changes):
    found = {
        "feedback_id": f"f{number}", "trace_id": f"t{number}", "ts": DAY.isoformat(), "kind": "explicit",
        "signal": "correction",
        "value": {"label": "earn"}, "comment": "no", "user_id": "u1", "consent": True, **changes,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value is not None}


def write(tmp_path, lines):
    (tmp_path / "feedback").mkdir(exist_ok=True)
    (tmp_path / "feedback" / "a.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in lines))
    return make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback")})


def test_feedback_is_stored_once_under_a_pseudonym(tmp_path):
    store = write(tmp_path, [signal(1), signal(2), signal(1)])
    assert pull_feedback(store, day(), KEY).rows == 2
    assert pull_feedback(store, day(), KEY).rows == 2  # counts are of the interval, not of the call
    row = store.read("feedback").to_pylist()[0]
    assert json.loads(row["value"]) == {"label": "earn"}
    assert row["user_key"] != "u1"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1969-12-31T12:00:00Z", "9999-12-31T23:59:59Z"])
def test_feedback_of_any_time_is_stored_once(tmp_path, moment):
    store = write(tmp_path, [signal(1, ts=moment), signal(2), signal(1, ts=moment)])
    for _ in range(2):
        assert pull_feedback(store, day(), KEY).rows == 2
    assert store.read("feedback").num_rows == 2


def test_feedback_without_consent_is_not_stored_and_counted(tmp_path):
    store = write(tmp_path, [signal(1, consent=False), signal(2)])
    assert pull_feedback(store, day(), KEY).without_consent == 1
    assert store.read("feedback").column("feedback_id").to_pylist() == ["f2"]


def test_bad_feedback_goes_to_quarantine_with_every_reason(tmp_path):
    store = write(tmp_path, [signal(1, kind="loud", ts="soon", trace_id=None)])
    assert pull_feedback(store, day(), KEY).refused == 1
    reason = store.read("quarantine").to_pylist()[0]["reason"]
    assert all(word in reason for word in ("trace_id", "ts", "kind"))


def test_loop_without_feedback_reads_none(tmp_path):
    assert pull_feedback(make_store(tmp_path), day(), KEY).rows == 0


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_compressed_file_that_breaks_off_gives_the_signals_before_and_the_cut_is_refused(tmp_path, kind):
    signals = [signal(n, value=None, user_id=None, comment=f"{n * 7919 % 10007}") for n in range(2000)]
    if kind == "csv":
        raw = "\n".join([",".join(signals[0]), *(",".join(map(str, one.values())) for one in signals)]).encode()
    else:
        raw = "\n".join(map(json.dumps, signals)).encode()
    packed = gzip.compress(raw, mtime=0)
    (tmp_path / "feedback").mkdir()
    (tmp_path / "feedback" / f"a.{kind}.gz").write_bytes(packed[: len(packed) // 2])
    store = make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback"), "format": kind})
    report = pull_feedback(store, day(), KEY)
    assert 100 < report.rows < 2000
    assert (report.refused, report.without_consent) == (1, 0)
    (row,) = store.read("quarantine").to_pylist()
    assert (row["stage"], row["reason_code"], row["line"]) == ("feedback", "cut_off", None)
    assert f" {report.rows}: " in row["reason"]
