import pytest

from include.foundation.statistics.estimates import Estimate
from include.stages.labels.annotator_records import note_by_month
from include.stages.reports.label_quality import label_quality
from tests.include.stages.reports.report_builders import TinyWorld, day_interval


@pytest.fixture
def asked(world: TinyWorld) -> TinyWorld:
    """Three requests: one agreed on, one where cleo dissents, one set aside; and one of another cycle."""
    world.ask("t1", "t2", "t3", "elsewhere", batch_id=day_interval(0).key)
    for person, labels in (("ada", "earn earn earn"), ("ben", "earn earn ship"), ("cleo", "earn ship trade")):
        for trace_id, label in zip(("t1", "t2", "t3"), labels.split(), strict=True):
            world.say(person, label, trace_id)
    world.say("cleo", "ship", "elsewhere")
    world.accept("aaa", "t1")
    world.accept("aaa", "t2", agreement=2 / 3)
    world.set_aside("t3")
    return world


REQUESTS = {"r-t1", "r-t2", "r-t3"}


def test_label_quality_counts_what_became_of_the_requests(asked: TinyWorld) -> None:
    found = label_quality(asked.store, REQUESTS)
    assert (found.asked, found.answered, found.accepted, found.unanimous) == (3, 3, 2, 1)
    assert found.aside == {"ambiguous": 1}


def test_label_quality_compares_annotators_with_accepted_labels_only(asked: TinyWorld) -> None:
    found = label_quality(asked.store, REQUESTS)
    counted = [(each.name, each.answers, each.labeled, each.agreeing) for each in found.annotators]
    assert counted == [("ada", 3, 2, 2), ("ben", 3, 2, 2), ("cleo", 3, 2, 1)]


def test_label_quality_says_how_reliable_annotators_are_in_recent_answers(asked: TinyWorld) -> None:
    found = label_quality(asked.store, REQUESTS)
    records = [each.record for each in found.annotators]
    assert [record and (record.answers, record.verdict) for record in records] == [(3, "unknown")] * 3


def test_label_quality_shows_pairs_that_agree_least_first(world: TinyWorld) -> None:
    traces = [f"t{place:02d}" for place in range(12)]
    world.ask(*traces, batch_id=day_interval(0).key)
    for place, trace_id in enumerate(traces):
        for person, every in (("ada", 99), ("ben", 6), ("cleo", 2)):
            world.say(person, ["earn", "ship"][place % 2] if (place + 1) % every else "trade", trace_id)
    found = label_quality(world.store, {f"r-{trace_id}" for trace_id in traces})
    assert [pair[:2] for pair in found.by_pair][-1] == ("ada", "ben")
    assert sorted(pair[2].value or 0.0 for pair in found.by_pair) == [pair[2].value for pair in found.by_pair]
    assert {name for name, alpha in found.by_class.items() if alpha.value is not None} <= set(
        world.store.loop.task.classes
    )


def test_label_quality_alpha_is_krippendorffs(asked: TinyWorld) -> None:
    # 1 - observed / expected disagreement, from how often each class was said of each of the three
    counts = [(3, 0, 0), (2, 1, 0), (1, 1, 1)]
    observed = sum((9 - sum(n * n for n in item)) / 2 for item in counts) / 9
    totals = [sum(item[place] for item in counts) for place in range(3)]
    expected = (81 - sum(n * n for n in totals)) / (9 * 8)
    assert label_quality(asked.store, REQUESTS).alpha.value == pytest.approx(1 - observed / expected)


def test_label_quality_of_a_changed_answer_counts_the_newest(asked: TinyWorld) -> None:
    asked.say("cleo", "earn", "t2", minute=5)
    cleo = label_quality(asked.store, REQUESTS).annotators[-1]
    assert (cleo.answers, cleo.agreeing) == (3, 2)


def test_label_quality_of_a_request_that_was_settled_later_is_not_aside(asked: TinyWorld) -> None:
    asked.accept("aaa", "t3")
    found = label_quality(asked.store, REQUESTS)
    assert (found.accepted, found.aside) == (3, {})


def test_label_quality_without_answers_is_empty(world: TinyWorld) -> None:
    world.ask("t1", batch_id=day_interval(0).key)
    found = label_quality(world.store, {"r-t1"})
    assert (found.asked, found.answered, found.accepted, found.alpha.value, found.annotators) == (1, 0, 0, None, [])


def test_label_quality_names_the_busiest_annotator_first(world: TinyWorld) -> None:
    world.ask("t1", "t2", batch_id=day_interval(0).key)
    world.say("ada", "earn", "t1")
    world.say("ben", "earn", "t1", "t2")
    assert [each.name for each in label_quality(world.store, {"r-t1", "r-t2"}).annotators] == ["ben", "ada"]


def test_label_quality_has_the_newest_months_of_each_annotator(asked: TinyWorld) -> None:
    for number in range(1, 10):
        note_by_month(asked.store, {("ada", f"2026-{number:02d}"): Estimate(0.9, 0.8, 1.0, number, float(number))})
    found = {each.name: [month for month, _ in each.months] for each in label_quality(asked.store, REQUESTS).annotators}
    assert found == {"ada": [f"2026-{number:02d}" for number in range(4, 10)], "ben": [], "cleo": []}
