from datetime import timedelta

import pyarrow as pa

from include.foundation.store.ledgers.annotations import Annotation, append_annotations
from include.foundation.store.ledgers.taxonomies import (
    classes_added_after,
    classes_by_taxonomy,
    note_taxonomy,
    read_predictions,
    undeclared_classes,
)
from include.foundation.taxonomy import Taxonomy
from tests.builders import DAY, make_store


def test_a_taxonomy_is_noted_once_whatever_the_order_of_its_classes(tmp_path):
    store = make_store(tmp_path, task={"classes": ["earn", "acq"]})
    note_taxonomy(store, DAY)
    version = store.version("taxonomies")
    note_taxonomy(make_store(tmp_path, task={"classes": ["acq", "earn"]}), DAY + timedelta(days=1))
    assert store.version("taxonomies") == version
    assert classes_by_taxonomy(store) == {Taxonomy.of(store.loop.task).digest: ["acq", "earn"]}


def predictions(store, *rows):
    names = ("predicted", "probabilities", "taxonomy")
    schema = pa.schema([store.schema("predictions").field(name) for name in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)


def test_predictions_are_read_in_todays_names_and_without_probabilities_of_nobody_knows_what(tmp_path):
    old = make_store(tmp_path, task={"classes": ["earn", "grain"]})
    note_taxonomy(old, DAY)
    store = make_store(tmp_path, task={"classes": ["acq", "cereals", "earn"], "renamed": {"grain": "cereals"}})
    note_taxonomy(store, DAY + timedelta(days=1))
    before, now = (Taxonomy.of(each.loop.task).digest for each in (old, store))
    said = predictions(
        store,
        ("grain", [0.25, 0.75], before),
        ("acq", [0.5, 0.25, 0.25], now),
        ("earn", [1.0, 0.0], "x"),
        ("earn", None, None),
    )
    read = read_predictions(store, said)
    assert read.schema == said.schema
    assert [tuple(row.values()) for row in read.to_pylist()] == [
        ("cereals", [0.0, 0.75, 0.25], before), ("acq", [0.5, 0.25, 0.25], now), ("earn", None, "x"), ("earn", None, None),
    ]  # fmt: skip


def test_predictions_of_the_only_taxonomy_are_read_as_they_are(tmp_path):
    store = make_store(tmp_path, task={"classes": ["earn", "grain"]})
    note_taxonomy(store, DAY)
    own = predictions(store, ("earn", [0.75, 0.25], Taxonomy.of(store.loop.task).digest))
    assert read_predictions(store, own) is own
    foreign = read_predictions(store, predictions(store, ("earn", [0.75, 0.25], "another")))
    assert foreign.column("probabilities").to_pylist() == [None]


def test_added_classes_are_those_that_no_taxonomy_until_then_had_under_any_name(tmp_path):
    note_taxonomy(make_store(tmp_path, task={"classes": ["earn", "grain"]}), DAY)
    note_taxonomy(make_store(tmp_path, task={"classes": ["earn", "grain", "trade"]}), DAY + timedelta(days=5))
    store = make_store(
        tmp_path, task={"classes": ["earn", "cereals", "trade", "ship"], "renamed": {"grain": "cereals"}}
    )
    note_taxonomy(store, DAY + timedelta(days=9))
    assert classes_added_after(store) == {"trade", "ship"}
    assert classes_added_after(store, DAY + timedelta(days=4)) == {"trade", "ship"}
    assert classes_added_after(store, DAY + timedelta(days=5)) == {"ship"}
    assert classes_added_after(store, DAY + timedelta(days=9)) == set()


def test_without_a_taxonomy_to_compare_with_no_class_counts_as_added(tmp_path):
    store = make_store(tmp_path)
    assert classes_added_after(store) == set()
    note_taxonomy(store, DAY)
    assert classes_added_after(store, DAY - timedelta(days=1)) == set()


def test_classes_that_rows_still_use_are_counted_until_they_are_declared(tmp_path):
    store = make_store(tmp_path)
    note_taxonomy(store, DAY)
    append_annotations(
        store, [Annotation(str(n), "r", "t", f"p{n}", said, DAY, "f") for n, said in enumerate(["grain", "grain", ""])]
    )
    assert undeclared_classes(store) == []
    first, second = undeclared_classes(make_store(tmp_path, task={"classes": ["earn", "acq"]}))
    assert first.startswith("'grain' is in 2 annotations and not in task.classes: declare it")
    assert second.startswith("'grain' is in 1 taxonomies of logged probabilities")
    assert undeclared_classes(make_store(tmp_path, task={"classes": ["earn", "acq"], "retired": ["grain"]})) == []
