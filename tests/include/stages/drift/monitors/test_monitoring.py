"""All monitors on one window: what they find, and the labels they rest on."""

from include.foundation.store.rows import rows_of
from include.stages.drift.monitors.labeled_rows import random_labels
from include.stages.drift.monitors.monitoring import monitor_findings
from include.stages.drift.routing import routing_of
from include.stages.drift.windows import Window
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import finding, label_row, labeled, store_confidence, stored_window


def test_labels_are_those_of_random_rows_before_the_windows_end_with_a_prediction(tmp_path):
    store = make_store(tmp_path)
    others = [{"stratum": "certainty"}, {"ts": day().end}, {"predicted": None}]
    rows = [label_row(number) | change for number, change in enumerate([{}, *others])]
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    assert random_labels(store, day()) == [labeled(trace_id="t", answer="r0")]


def test_label_that_another_supersedes_does_not_count(tmp_path):
    store = make_store(tmp_path)
    rows = [label_row(0), label_row(1) | {"supersedes": "l0", "segment_desk": None}]
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    assert random_labels(store, day()) == [labeled(segments=(), trace_id="t", answer="r1")]


def test_window_without_probabilities_or_labels_has_no_finding_and_asks_for_labels(tmp_path):
    monitors = monitor_findings(make_store(tmp_path), Window(day(), [], {}, {}))
    assert monitors == []
    assert routing_of([finding()], monitors).route == "label_segment"


def test_drift_whose_confidence_holds_is_watched(tmp_path):
    store = make_store(tmp_path)
    store_confidence(store, 0.85)
    monitors = monitor_findings(store, stored_window(store))
    assert [each.monitor for each in monitors] == ["estimated_performance"]
    assert routing_of([finding()], monitors).route == "watch"
