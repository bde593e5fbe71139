import numpy as np
import pyarrow as pa
import pytest

from include.foundation.config.sections import Task
from include.foundation.errors import ConfigError
from include.foundation.taxonomy import Taxonomy
from tests.builders import make_loop

CHANGED = Task(
    kind="classification",
    classes=["earn", "wheat", "cereals"],
    renamed={"grain": "corn", "corn": "cereals", "boats": "ship"},
    retired=["ship"],
)


def test_order_of_classes_means_nothing(tmp_path):
    one, other = (make_loop(tmp_path, task={"classes": classes}) for classes in (["b", "a", "c"], ["c", "b", "a"]))
    assert one.digest == other.digest
    assert Taxonomy.of(one.task).digest == Taxonomy.of(other.task).digest


def test_names_mean_what_they_were_renamed_to_in_the_end():
    taxonomy = Taxonomy.of(CHANGED)
    meanings = {name: taxonomy.current(name) for name in ("earn", "grain", "corn", "ship", "boats", "unheard of")}
    assert meanings == {
        "earn": "earn",
        "grain": "cereals",
        "corn": "cereals",
        "ship": None,
        "boats": None,
        "unheard of": None,
    }
    assert [name for name in meanings if taxonomy.is_retired(name)] == ["ship", "boats"]
    assert taxonomy.former == ("boats", "corn", "grain", "ship")
    assert [taxonomy.shown(name) for name in ("grain", "ship", "unheard of")] == ["cereals", "ship", "unheard of"]


def test_labels_are_read_under_todays_names_without_retired_and_undeclared_ones():
    labels = ["grain", "ship", "earn", "weather"]
    rows = pa.table({"label": labels, "predicted": ["ship", "earn", "grain", None], "n": [1, 2, 3, 4]})
    read = Taxonomy.of(CHANGED).read_labels(rows)
    assert read.to_pylist() == [
        {"label": "cereals", "predicted": "ship", "n": 1},
        {"label": "earn", "predicted": "cereals", "n": 3},
    ]
    assert Taxonomy.of(CHANGED).read_labels(rows.slice(0, 0)).num_rows == 0
    assert Taxonomy.of(CHANGED).read_labels(rows.select(["label"])).column("label").to_pylist() == ["cereals", "earn"]


@pytest.mark.parametrize(
    ("by_name", "read"),
    [
        ({"earn": 0.5, "wheat": 0.5}, [0.0, 0.5, 0.5]),
        ({"grain": 0.3, "corn": 0.2, "earn": 0.5}, [0.5, 0.5, 0.0]),
        ({"ship": 0.5, "earn": 0.4, "cereals": 0.1}, [0.2, 0.8, 0.0]),
        ({"ship": 1.0, "earn": 0.0}, [1 / 3, 1 / 3, 1 / 3]),
        ({"wheat": 0.25, "earn": 0.5, "cereals": 0.25}, [0.25, 0.5, 0.25]),
    ],
    ids=["fewer", "renamed-to-one", "retired", "nothing-left", "another-order"],
)
def test_probabilities_are_read_as_those_of_todays_classes(by_name, read):
    taxonomy = Taxonomy.of(CHANGED)
    np.testing.assert_allclose(taxonomy.read_probabilities(by_name.values(), by_name), read)


def test_undeclared_names_are_refused_with_their_counts_and_both_ways_out():
    taxonomy = Taxonomy.of(CHANGED)
    with pytest.raises(ConfigError) as refused:
        taxonomy.demand_declared(["trade", "earn", "trade", "ship"], "labels")
    assert "'trade' is in 2 labels and not in task.classes" in str(refused.value)
    assert "`task.renamed: {trade: <new name>}` or as `task.retired: [trade]`" in str(refused.value)
    taxonomy.demand_declared(["grain", "earn", "ship"], "labels")
