"""What was served beside labeled rows is read from counts of days, and only where rows were drawn from all of it."""

from datetime import timedelta

import numpy as np
import pytest

from include.foundation.statistics.calibrated_confidence import confidence_bins
from include.foundation.statistics.prediction_powered import NO_CELL
from include.foundation.store.ledgers import served_confidence
from include.foundation.store.ledgers.served_confidence import served_beside
from include.foundation.store.ledgers.taxonomies import note_taxonomy
from include.stages.drift.monitors.labeled_rows import LabeledRow
from tests.builders import DAY, make_store
from tests.include.stages.drift.drift_builders import DRIFT, fill

HOUR = timedelta(hours=1)


def row(day=0, confidence=0.81, version="1", predicted="earn"):
    return LabeledRow(DAY + timedelta(days=day) + HOUR, predicted, predicted, version, confidence, 0.5, ("desk=eu",))


def beside(store, rows, **bounds):
    return served_beside(store, rows, **bounds)


def logged(store, day, **conditions):
    """Return the confidences of a day's stored rows that meet some conditions."""
    rows = store.read("predictions").to_pylist()
    wanted = {"day": f"{DAY + timedelta(days=day):%Y-%m-%d}"} | conditions
    return [each["confidence"] for each in rows if all(each[name] == value for name, value in wanted.items())]


def counts_of(confidences):
    return np.bincount(confidence_bins(np.array(confidences, dtype=float)), minlength=62)


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 2, rows=120, model_version=lambda place: "1" if place % 10 else "2")
    return store


def test_every_version_of_a_day_is_counted_alone_by_class_and_by_segment_value(store):
    rows = [row(), row(1), row(version="2"), row(predicted="acq")]
    known = beside(store, rows)
    found = known.confidence()
    assert found.known.all()
    for day, version, cell in ((0, "1", 0), (1, "1", 1), (0, "2", 2)):
        expected = counts_of(logged(store, day, model_version=version))
        assert found.logged[found.cells[cell], 0].tolist() == expected.tolist()
    assert found.cells[0] == found.cells[3]
    assert found.bins.tolist() == confidence_bins(np.full(4, 0.81)).tolist()
    by_class = known.confidence(by_class=True)
    earn, acq = (store.loop.task.classes.index(name) for name in ("earn", "acq"))
    assert by_class.classes.tolist() == [earn, earn, earn, acq]
    of_class = counts_of(logged(store, 0, model_version="1", predicted="acq"))
    assert by_class.logged[by_class.cells[3], acq].tolist() == of_class.tolist()
    inside = known.at([True, False, False, False]).confidence("desk=eu")
    of_segment = counts_of(logged(store, 0, model_version="1", segment_desk="eu"))
    assert inside.logged[inside.cells[0], 0].tolist() == of_segment.tolist()


def test_rows_beside_which_nothing_is_known_have_no_cell(store, tmp_path):
    rows = [row(confidence=None), row(version="3"), row(day=5), row()]
    assert (beside(store, rows).confidence().cells == NO_CELL).tolist() == [True, True, True, False]
    assert not beside(store, rows).confidence("desk=asia").known.any()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert not beside(make_store(empty), rows).confidence().known.any()
    assert not beside(store, []).confidence().known.any()


@pytest.mark.parametrize(
    ("bounds", "known"),
    [
        pytest.param({}, [True, True], id="without bounds"),
        pytest.param({"since": DAY}, [True, True], id="from its first moment"),
        pytest.param({"since": DAY + HOUR / 2}, [False, True], id="from within a day"),
        pytest.param({"until": DAY + timedelta(days=2)}, [True, True], id="until its last moment"),
        pytest.param({"until": DAY + timedelta(days=1, hours=20)}, [True, False], id="until within a day"),
    ],
)
def test_days_of_which_a_part_was_drawn_from_are_left_out(store, bounds, known):
    assert beside(store, [row(), row(1)], **bounds).confidence().known.tolist() == known


def test_the_newest_days_alone_are_read(store, monkeypatch):
    monkeypatch.setattr(served_confidence, "MOST_DAYS", 1)
    assert beside(store, [row(), row(1)]).confidence().known.tolist() == [False, True]


def test_days_before_a_class_was_retired_are_left_out(store, tmp_path):
    """Of their rows those of the class have no label any more, while they are among what was logged."""
    later = make_store(tmp_path, task={"classes": ["earn", "acq"], "retired": ["grain"]}, drift=DRIFT)
    assert not beside(later, [row(), row(1)]).confidence().known.any()
    note_taxonomy(later, DAY + timedelta(days=1))
    assert beside(later, [row(), row(1)]).confidence().known.tolist() == [False, True]


def test_what_a_version_is_only_asked_for_is_not_what_it_served(tmp_path):
    """A day of another version has profiles of this one once drift asked for them, and no counts."""
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 1, rows=60)
    rows = store.read("profiles", filters=[("kind", "=", "served")]).to_pylist()
    assert {each["column"] for each in rows} == {"served@1"}
    assert {each["segment"] for each in rows} == {"", "desk=eu", "desk=us"}
    assert sum(each["rows"] for each in rows if not each["segment"]) == 60
