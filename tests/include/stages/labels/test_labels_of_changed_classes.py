"""Labels, answers and datasets after classes were renamed, retired or dropped without a word."""

import pytest

from include.foundation.errors import ConfigError, NothingToDo
from include.foundation.store.ledgers.outcomes import reopened_requests, standing_requests
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.labels.label_validation import validate_labels
from tests.builders import make_store
from tests.include.stages.labels.label_builders import (
    ANNOTATORS,
    collect,
    everyone_answers,
    pushed_store,
    truth,
    write_answers,
)

RENAMED = {"classes": ["earn", "acq", "cereals"], "renamed": {"grain": "cereals"}}
RETIRED = {"classes": ["earn", "acq", "wheat"], "retired": ["grain"]}
DROPPED = {"classes": ["earn", "acq"]}
SELECTION = {"budget": 12, "diversify": "none"}


def changed(folder, task):
    return make_store(folder, task=task, selection=SELECTION)


def labeled_store(folder):
    """Return a store with four labels of each of three classes, and the request ids by trace id."""
    store, requests = pushed_store(folder)
    everyone_answers(folder, requests, truth)
    collect(store)
    validate_labels(store)
    return store, requests


def labels_in(dataset):
    return sorted(dataset.train.column("label").to_pylist() + dataset.holdout.column("label").to_pylist())


def test_renamed_class_is_no_change_and_old_datasets_stay_what_they_were(tmp_path):
    store, _ = labeled_store(tmp_path)
    before = publish_dataset(store)
    after = publish_dataset(changed(tmp_path, RENAMED))
    assert (after.added, after.changed, after.removed, after.retired) == (0, 0, 0, 0)
    assert after.subject != before.subject
    assert after.former_names == {"grain": "cereals"}
    store = changed(tmp_path, RENAMED)
    assert labels_in(read_dataset(store, after.subject)) == ["acq"] * 4 + ["cereals"] * 4 + ["earn"] * 4
    assert labels_in(read_dataset(store, before.subject)) == ["acq"] * 4 + ["earn"] * 4 + ["grain"] * 4
    with pytest.raises(NothingToDo):
        publish_dataset(store)


def test_retired_class_leaves_the_dataset_with_a_count_and_its_rows_may_be_requested_again(tmp_path):
    store, requests = labeled_store(tmp_path)
    publish_dataset(store)
    store = changed(tmp_path, RETIRED)
    after = publish_dataset(store)
    assert (after.retired, after.removed, after.train + after.holdout) == (4, 4, 8)
    assert "4 labels of retired classes are left out; their rows may be requested again." in after.reasons[0]
    assert labels_in(read_dataset(store, after.subject)) == ["acq"] * 4 + ["earn"] * 4
    of_grain = {request for trace, request in requests.items() if truth(trace) == "grain"}
    assert reopened_requests(store) == of_grain
    assert set(standing_requests(store).column("trace_id").to_pylist()) == {t for t in requests if truth(t) != "grain"}


def test_answers_in_former_names_become_labels_of_today(tmp_path):
    _, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth)
    store = changed(tmp_path, RENAMED)
    assert collect(store).refused == 0
    assert validate_labels(store).accepted == 12
    assert set(store.read("labels").column("label").to_pylist()) == {"acq", "cereals", "earn"}


def test_late_answer_under_the_new_name_confirms_a_label_under_the_old(tmp_path):
    store, requests = labeled_store(tmp_path)
    before = store.read("labels").num_rows
    store = changed(tmp_path, RENAMED)
    late = {request: "cereals" for trace, request in requests.items() if truth(trace) == "grain"}
    write_answers(tmp_path, "dan", late, minute=9)
    assert collect(store).new == 4
    assert validate_labels(store).received == 0
    assert store.read("labels").num_rows == before


def test_who_answers_with_a_retired_class_has_declined_and_a_person_decides(tmp_path):
    _, requests = pushed_store(tmp_path)
    store = changed(tmp_path, RETIRED)
    mixed = next(request for trace, request in sorted(requests.items()) if truth(trace) == "earn")
    for name in ANNOTATORS:
        said = {request: truth(trace) for trace, request in requests.items()}
        write_answers(tmp_path, name, said | {mixed: "grain" if name == "ann" else "earn"})
    assert collect(store).refused == 0
    report = validate_labels(store)
    assert (report.accepted, report.escalated) == (8, 4)
    push_requests(store, backend_for(store.loop, None))
    asked = store.read("requests", filters=[("tier", ">", 1)])
    write_answers(tmp_path, "lea", dict.fromkeys(asked.column("request_id").to_pylist(), None))
    assert (collect(store).refused, validate_labels(store).set_aside) == (0, 4)


def test_dropped_class_stops_with_both_ways_out_and_declaring_it_goes_on(tmp_path):
    labeled_store(tmp_path)
    dropped = changed(tmp_path, DROPPED)
    for stage in (publish_dataset, validate_labels):
        with pytest.raises(
            ConfigError, match=r"'grain' is in \d+ (labels|annotations) and not in task.classes"
        ) as refused:
            stage(dropped)
        assert "`task.renamed: {grain: <new name>}` or as `task.retired: [grain]`" in str(refused.value)
    assert publish_dataset(changed(tmp_path, RENAMED)).classes["cereals"] > 0
