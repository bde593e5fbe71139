"""An answer that its task no longer has stops counting, whatever was there before and whoever gave it."""

from datetime import UTC, datetime, timedelta

import pytest

from include.foundation.store.ledgers.annotations import latest_annotations
from include.foundation.store.ledgers.outcomes import current_labels
from include.stages.labeling.answer_watch import AnswerWatch
from include.stages.labeling.backend_contract import Answer, Answers, WholeTask
from include.stages.labeling.collecting import collect_annotations
from include.stages.labels.label_validation import validate_labels
from tests.builders import KEY
from tests.include.stages.labels.label_builders import pushed_store

START = datetime(2026, 3, 12, 8, tzinfo=UTC)


class Platform:
    """Tasks whose answers come, change and go; each look returns the tasks that are named, as they are."""

    def __init__(self, request_id):
        self.request_id = request_id
        self.tasks = {"task 1": {}}
        self.minute = 0

    def said(self, task, **labels):
        """Let people answer in a task, or take their answers back (``-``)."""
        self.minute += 1
        for name, label in labels.items():
            self.tasks.setdefault(task, {}).pop(name, None)
            if label != "-":
                self.tasks[task][name] = (label, self.moment)

    @property
    def moment(self):
        return START + timedelta(minutes=self.minute)

    def answers(self, requests, read):
        rows = [
            Answer(self.request_id, requests[self.request_id], name.split("_")[0], label, at, task)
            for task, people in self.tasks.items()
            for name, (label, at) in people.items()
        ]
        return Answers(rows, whole=[WholeTask(task, self.request_id, self.moment) for task in self.tasks])


@pytest.fixture
def world(tmp_path):
    store, requests = pushed_store(tmp_path, 1, labeling={"overlap": 2}, labels={"consensus": "majority"})
    return store, Platform(next(iter(requests.values())))


def counted(store, platform):
    """Return what counts after collecting, which a second collection must not change."""
    collect_annotations(store, platform, KEY)
    rows = store.read("annotations").num_rows
    collect_annotations(store, platform, KEY)
    assert store.read("annotations").num_rows == rows
    return sorted(each.label for each in latest_annotations(store, [platform.request_id]))


def test_answer_that_is_deleted_stops_counting_and_may_come_again(world):
    store, platform = world
    platform.said("task 1", ann="earn", bob="acq")
    assert counted(store, platform) == ["acq", "earn"]
    platform.said("task 1", ann="-")
    assert counted(store, platform) == ["acq"]
    platform.said("task 1", ann="earn")
    assert counted(store, platform) == ["acq", "earn"]


def test_edit_and_skip_take_the_place_of_what_was_said(world):
    store, platform = world
    platform.said("task 1", ann="earn")
    counted(store, platform)
    platform.said("task 1", ann="acq")
    assert counted(store, platform) == ["acq"]
    platform.said("task 1", ann=None)
    assert counted(store, platform) == [""]


def test_earlier_answer_of_one_person_counts_again_where_the_later_one_is_deleted(world):
    store, platform = world
    platform.said("task 1", ann="earn")
    platform.said("task 1", ann_2="acq")
    assert counted(store, platform) == ["acq"]
    platform.said("task 1", ann_2="-")
    assert counted(store, platform) == ["earn"]


def test_another_task_of_the_request_keeps_its_answers(world):
    store, platform = world
    platform.said("task 1", ann="earn")
    platform.said("task 2", bob="earn")
    counted(store, platform)
    platform.said("task 1", ann="-")
    assert counted(store, platform) == ["earn"]


def test_label_follows_what_is_left_of_its_answers_and_ends_with_the_last(world):
    store, platform = world
    platform.said("task 1", ann="earn", bob="earn")
    counted(store, platform)
    validate_labels(store)
    labels = lambda: current_labels(store.read("labels")).column("label").to_pylist()  # noqa: E731
    assert labels() == ["earn"]
    platform.said("task 1", ann="-", bob="acq")
    counted(store, platform)
    validate_labels(store)
    assert labels() == ["acq"]
    platform.said("task 1", bob="-")
    counted(store, platform)
    validate_labels(store)
    assert labels() == []
    platform.said("task 1", ann="earn", bob="earn")
    counted(store, platform)
    for _ in range(2):
        validate_labels(store)
        assert labels() == ["earn"]


def test_wait_counts_who_answers_now_and_reads_on_from_its_last_look(world):
    store, platform = world
    platform.said("task 1", ann="earn", bob="earn")
    counted(store, platform)
    watch = AnswerWatch(store, platform, KEY)
    assert watch.answered_in_full({platform.request_id: 1}) == {platform.request_id}
    platform.said("task 1", bob="-")
    assert watch.answered_in_full({platform.request_id: 1}) == set()
    platform.said("task 1", cat="acq")
    assert watch.answered_in_full({platform.request_id: 1}) == {platform.request_id}
