"""Feedback comes in once, with consent, under pseudonyms."""

import gzip
import json

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from include.foundation.lines.values import pseudonym
from include.foundation.store.person_keys import person_key
from include.stages.logs.feedback.feedback_lines import pull_feedback
from tests.builders import DAY, KEY, day, make_store


def signal(number, **changes):
    found = {
        "feedback_id": f"f{number}", "trace_id": f"t{number}", "ts": DAY.isoformat(), "kind": "explicit",
        "signal": "correction",
        "value": {"label": "earn"}, "comment": "no", "user_id": "u1", "consent": True, **changes,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value is not None}


def write(tmp_path, lines, **feedback):
    (tmp_path / "feedback").mkdir(exist_ok=True)
    (tmp_path / "feedback" / "a.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in lines))
    return make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback"), **feedback})


def test_feedback_is_stored_once_under_a_pseudonym(tmp_path):
    store = write(tmp_path, [signal(1), signal(2), signal(1)])
    assert pull_feedback(store, day(), KEY).rows == 2
    assert pull_feedback(store, day(), KEY).rows == 2  # counts are of the interval, not of the call
    row = store.read("feedback").to_pylist()[0]
    assert json.loads(row["value"]) == {"label": "earn"}
    assert row["user_key"] != "u1"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1969-12-31T12:00:00Z"])
def test_feedback_of_any_time_is_stored_once(tmp_path, moment):
    store = write(tmp_path, [signal(1, ts=moment), signal(2), signal(1, ts=moment)])
    for _ in range(2):
        assert pull_feedback(store, day(), KEY).rows == 2
    assert store.read("feedback").num_rows == 2


def user(store, name):
    return pseudonym(name, person_key(store, KEY, "user"))


def quarantined(store):
    return store.read("quarantine").to_pylist()


def test_feedback_of_a_time_that_its_file_cannot_know_is_refused(tmp_path):
    store = write(tmp_path, [signal(1, ts="2099-01-01T00:00:00Z"), signal(2)])
    assert pull_feedback(store, day(), KEY).rows == 1
    assert [row["reason_code"] for row in quarantined(store)] == ["from_the_future"]


@pytest.mark.parametrize("yes", [True, 1, 1.0, "true", "TRUE", "yes", "Y", "1", "on", " t "])
@pytest.mark.parametrize("consent", ["assumed", "required"])
def test_consent_may_be_said_in_several_ways(tmp_path, yes, consent):
    store = write(tmp_path, [signal(1, consent=yes)], consent=consent)
    assert pull_feedback(store, day(), KEY).rows == 1


@pytest.mark.parametrize("no", [False, 0, 0.0, "false", "No", "0", "perhaps", 2, [True], {}])
def test_whatever_else_is_said_is_no_consent(tmp_path, no):
    store = write(tmp_path, [signal(1, consent=no)])
    report = pull_feedback(store, day(), KEY)
    assert (report.rows, report.refused, report.without_consent) == (0, 0, 1)


@pytest.mark.parametrize("nobody", ["", "  ", None])
def test_nobody_in_particular_is_no_person(tmp_path, nobody):
    store = write(tmp_path, [signal(n, user_id=nobody) for n in range(60)], burst_signals=50)
    assert pull_feedback(store, day(), KEY).held_back == 0
    assert set(store.read("feedback").column("user_key").to_pylist()) == {None}


def test_numbers_are_ids_by_their_digits(tmp_path):
    store = write(tmp_path, [signal(1, feedback_id=8.0, trace_id=5, user_id=7.0)])
    pull_feedback(store, day(), KEY)
    row = store.read("feedback").to_pylist()[0]
    assert (row["feedback_id"], row["trace_id"], row["user_key"]) == ("8", "5", user(store, "7"))


@pytest.mark.parametrize(
    "raw",
    [
        '{"feedback_id": "f1", "user_id": "ada", "comment": "write to ada@example.org"}',
        '{"feedback_id": "f1", "user_id": "ada", "comment": "ada@example.org"',
        "{'user_id': 'ada'}",
        '{"user_id": "ada", "user_id": "ada"}',
        '{"meta": "{\\"user_id\\": \\"ada\\"}", ',
    ],
    ids=["parsed", "cut", "single-quotes", "twice", "nested-text"],
)
def test_refused_line_keeps_no_person(tmp_path, raw):
    store = write(tmp_path, [])
    (tmp_path / "feedback" / "a.jsonl").write_text(raw + "\n")
    assert pull_feedback(store, day(), KEY).refused == 1
    (row,) = quarantined(store)
    assert "ada" not in row["raw"] + row["reason"]
    assert user(store, "ada") in row["raw"]


def test_comment_keeps_no_address(tmp_path):
    store = write(tmp_path, [signal(1, comment="ask ada.l@mail.example.org, please")])
    pull_feedback(store, day(), KEY)
    comment = store.read("feedback").column("comment")[0].as_py()
    assert comment == f"ask {user(store, 'ada.l@mail.example.org')}, please"


@pytest.mark.parametrize(
    ("consent", "raw", "is_kept"),
    [
        ("assumed", '{"feedback_id": "f1", "consent": false, "comment": "mine', False),
        ("assumed", '{"feedback_id": "f1", "consent": "no", "comment": "mine', False),
        ("assumed", '{"feedback_id": "f1", "consent": true, "comment": "mine', True),
        ("assumed", '{"feedback_id": "f1", "comment": "mine', True),
        ("required", '{"feedback_id": "f1", "consent": true, "comment": "mine', True),
        ("required", '{"feedback_id": "f1", "comment": "mine', False),
    ],
)
def test_text_of_a_line_that_cannot_be_read_is_kept_only_with_consent(tmp_path, consent, raw, is_kept):
    store = write(tmp_path, [], consent=consent)
    (tmp_path / "feedback" / "a.jsonl").write_text(raw + "\n")
    assert pull_feedback(store, day(), KEY).refused == 1
    assert ("mine" in quarantined(store)[0]["raw"]) == is_kept


def test_row_of_a_csv_that_cannot_be_told_apart_is_kept_without_its_text(tmp_path):
    store = write(tmp_path, [], format="csv")
    (tmp_path / "feedback" / "a.csv").write_text("feedback_id,trace_id,user_id\nf1,t1,a,ada\n")
    assert pull_feedback(store, day(), KEY).refused == 1
    (row,) = quarantined(store)
    assert ("ada" in row["raw"], "user_id" in row["raw"], row["line"]) == (False, True, 1)


def test_feedback_without_consent_is_not_stored_and_counted(tmp_path):
    store = write(tmp_path, [signal(1, consent=False), signal(2), signal(2), {"feedback_id": "broken"}, signal(3)])
    report = pull_feedback(store, day(), KEY)
    assert (report.rows, report.duplicates, report.refused, report.without_consent) == (2, 1, 1, 1)
    assert store.read("feedback").column("feedback_id").to_pylist() == ["f2", "f3"]


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


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(["explicit", "f1", "2099-01-01", "0001-01-01", "false", "yes", "a@b.example", "\ud800", 10**400, "\u2028"]),
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from([*signal(0), "source", "extra"]), VALUES, max_size=3)
NO_LINES = st.sampled_from(
    [b"", b" ", b"{", b"[1]", b"null", b"\xff", b"{}", b'{"consent": false', b'{"a": 1, "a": 2}', b"\x00"]
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CHANGES | NO_LINES, max_size=12), st.sampled_from(["assumed", "required"]))
def test_every_line_is_stored_refused_repeated_or_without_consent(tmp_path_factory, drawn, consent):
    folder = tmp_path_factory.mktemp("fuzz")
    store = write(folder, [], consent=consent)
    lines = [item if isinstance(item, bytes) else json.dumps(signal(n) | item).encode() for n, item in enumerate(drawn)]
    (folder / "feedback" / "a.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    report = pull_feedback(store, day(), KEY)
    wanted = sum(bool(line.strip()) for line in lines)
    assert report.rows + report.refused + report.duplicates + report.without_consent == wanted
    assert (store.read("feedback").num_rows, store.read("quarantine").num_rows) == (report.rows, report.refused)
    assert pull_feedback(store, day(), KEY) == report
