"""No more is asked for than people can answer in time; measuring goes on, and what is critical comes first."""

from datetime import UTC, datetime, timedelta

import pytest

from include.foundation.store.ledgers.annotations import Annotation, append_annotations
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.logs.pulling import pull_logs
from include.stages.selection.backlog import backlog_of
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day, line, make_store, write_lines

NOW = datetime.now(UTC)


def answer(store, requests, *, per_day, days, ended=timedelta(0)):
    """Let each of so many days, until some time ago, have so many answers of three people."""
    times = [NOW - ended - timedelta(days=days * place / (3 * per_day * days)) for place in range(3 * per_day * days)]
    append_annotations(
        store,
        [
            Annotation(f"a{place}", requests[place % len(requests)], "t", f"p{place}", "earn", moment, "test")
            for place, moment in enumerate(times)
        ],
    )


def make_backlog(folder, *, open_requests, per_day, days=5, ended=timedelta(0), pushed=NOW, **selection):
    """Return a store in which people answered so many requests a day and have so many before them."""
    folder.mkdir(exist_ok=True)
    store = make_store(folder, selection={"budget": 40, "random_share": 0.2, "diversify": "none", **selection})
    given = {"trace_id": "old", "tier": 1, "stratum": "certainty", "split": "train", "inclusion_probability": 1.0}
    given |= {"reasons": ["x"], "hidden_prelabel": False, "asked_at": NOW, "external_id": "x", "pushed_at": pushed}
    rows = [
        given | {"request_id": f"r{n}", "batch_id": "earlier", "content_key": f"c{n}", "ts": NOW}
        for n in range(open_requests)
    ]
    store.append_new("requests", rows_of(store.loop, "requests", rows))
    if per_day:
        answer(store, [f"r{n}" for n in range(open_requests)], per_day=per_day, days=days, ended=ended)
    write_lines(folder, [line(n, when=day().start) for n in range(120)])
    pull_logs(store, day(), KEY)
    return store


def asked(store):
    return store.read("requests", filters=[("batch_id", "=", day().key)]).to_pylist()


def test_speed_is_that_of_full_answers_lately(tmp_path):
    backlog = backlog_of(make_backlog(tmp_path, open_requests=30, per_day=20))
    assert backlog.open == 30
    assert backlog.per_day == pytest.approx(20, rel=0.02)
    assert backlog.room == 30  # 20 a day for three days, less what is open


@pytest.mark.parametrize(
    ("given", "total"),
    [
        ({"open_requests": 10, "per_day": 20}, 40),  # room for all
        ({"open_requests": 50, "per_day": 20}, 20),  # as many as are answered meanwhile
        ({"open_requests": 500, "per_day": 2}, 8),  # the random share
        ({"open_requests": 50, "per_day": 0}, 40),  # nobody knows how fast people are
        ({"open_requests": 50, "per_day": 20, "days": 0}, 40),
        (
            {"open_requests": 500, "per_day": 10, "pushed": NOW - timedelta(days=4)},
            30,
        ),  # nobody waits for what is overdue
        ({"open_requests": 50, "per_day": 20, "ended": timedelta(days=30)}, 20),  # silence is no speed
        ({"open_requests": 500, "per_day": 2, "backlog": "ignored"}, 40),
    ],
)
def test_no_more_is_asked_for_than_people_can_answer_in_time(tmp_path, given, total):
    store = make_backlog(tmp_path, **{"days": 7, **given})
    report = select_samples(store, day())
    assert (report.requests, report.random, report.drawn) == (total, 8, 8)
    assert len(asked(store)) == total
    assert {row["inclusion_probability"] for row in asked(store) if row["stratum"] == "random"} == {8 / 120}


def test_why_less_is_asked_for_is_told_and_a_person_may_ask_for_more(tmp_path):
    from include.foundation.decisions import SelectedBatch, latest

    store = make_backlog(tmp_path, open_requests=50, per_day=20)
    select_samples(store, day())
    said = latest(store, SelectedBatch, day().key).reasons[1]
    assert said.startswith("Asked for 20 labels instead of 40: 50 requests are open, and people answer 20.")
    other = make_backlog(tmp_path / "other", open_requests=50, per_day=20)
    assert select_samples(other, day(), budget=40).requests == 40


def test_rows_of_critical_segments_come_first_where_less_is_asked_for(tmp_path):
    store = make_backlog(tmp_path, open_requests=50, per_day=20, critical={"desk": ["us"]})
    select_samples(store, day())
    chosen = [row for row in asked(store) if row["stratum"] == "certainty"]
    assert {row["reasons"][0] for row in chosen} == {"in a critical segment: desk=us"}
    assert {int(row["trace_id"][1:]) % 2 for row in chosen} == {1}
    free = make_backlog(tmp_path / "free", open_requests=10, per_day=20, critical={"desk": ["us"]})
    select_samples(free, day())
    assert {int(row["trace_id"][1:]) % 2 for row in asked(free) if row["stratum"] == "certainty"} == {0, 1}


def test_killed_before_the_batch_was_recorded_it_says_nothing_of_a_backlog_that_it_is_itself(tmp_path, monkeypatch):
    from include.foundation.decisions import SelectedBatch, latest
    from include.stages.selection import selecting

    store = make_backlog(tmp_path, open_requests=10, per_day=20)
    with monkeypatch.context() as patched:
        patched.setattr(selecting, "_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            select_samples(store, day())
    assert push_requests(store, backend_for(store.loop, None)).asked == 40
    assert select_samples(store, day()).requests == 40
    assert not any("instead of" in reason for reason in latest(store, SelectedBatch, day().key).reasons)
