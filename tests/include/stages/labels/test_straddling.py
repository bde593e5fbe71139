"""Nearly equal rows in two splits are told before a model is judged on what it has seen."""

import json

import pytest

from include.foundation.store.rows import rows_of
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.seeds import admit_seed_labels
from include.stages.labels.straddling import straddling
from tests.builders import make_loop, make_store
from tests.include.stages.labels.test_datasets import add, label

LONG = "the council of the town met on monday evening and talked about the new bridge over the river for three hours"


def parts(loop, trained, held):
    rows = [[label(n, input_text=text) for n, text in enumerate(texts)] for texts in (trained, held)]
    return [rows_of(loop, "labels", part) for part in rows]


def test_held_out_rows_that_are_nearly_equal_to_rows_to_train_on_are_told(tmp_path):
    loop = make_loop(tmp_path)
    said = straddling(loop, *parts(loop, [LONG, "wheat is up"], [f"{LONG} yesterday", "oil is down"]))
    assert said is not None
    assert said.startswith("1 of 2 held-out rows are nearly equal to rows to train on (t0 and t0): ")
    assert "split.group" in said


@pytest.mark.parametrize(
    ("changes", "trained", "held"),
    [({}, [LONG], ["oil is down"]), ({}, [], [LONG]), ({}, [LONG], []), ({"split": {"group": "desk"}}, [LONG], [LONG])],
)
def test_nothing_is_told_where_nothing_straddles_or_groups_are_known(tmp_path, changes, trained, held):
    loop = make_loop(tmp_path, **changes)
    assert straddling(loop, *parts(loop, trained, held)) is None


def test_numbers_that_hardly_differ_are_nearly_equal(tmp_path):
    loop = make_loop(tmp_path, inputs={"a": {"type": "numeric"}, "b": {"type": "numeric"}})
    rows = [label(n, input_a=float(n), input_b=float(n * n % 7)) for n in range(12)]
    held = [label(20, input_a=3.01, input_b=2.0), label(21, input_a=55.0, input_b=-9.0)]
    said = straddling(loop, *(rows_of(loop, "labels", part) for part in (rows, held)))
    assert said is not None
    assert said.startswith("1 of 2 held-out rows")


def of_documents(loop, documents, label_of):
    """Paragraphs without a word in common; those with an even number are held out."""
    made = [label(n, input_text=f"w{n} v{n}", segment_desk=f"d{n % documents}", label=label_of(n)) for n in range(120)]
    return [rows_of(loop, "labels", part) for part in (made[1::2], made[::2])]


def test_rows_of_one_document_are_told_though_they_do_not_resemble_each_other(tmp_path):
    loop = make_loop(tmp_path)
    said = straddling(loop, *of_documents(loop, 25, lambda n: ["earn", "acq", "grain"][n % 25 % 3]))
    assert said is not None
    assert said.startswith(
        "60 of 60 held-out rows share their desk with rows to train on, and 100% of these have the same"
    )
    assert "name it in split.group" in said
    assert "nearly equal" not in said


@pytest.mark.parametrize(
    ("documents", "label_of"),
    [(25, lambda n: ["earn", "acq"][n // 25 % 2]), (5, lambda n: ["earn", "acq"][n % 5 % 2]), (25, lambda _: "earn")],
    ids=["labels differ within a value", "few values are a category", "one label says nothing"],
)
def test_a_column_that_only_describes_rows_is_no_document(tmp_path, documents, label_of):
    loop = make_loop(tmp_path)
    assert straddling(loop, *of_documents(loop, documents, label_of)) is None


def test_first_dataset_warns_and_later_ones_do_not(tmp_path):
    store = make_store(tmp_path)
    add(store, label(0, input_text=LONG), label(1, input_text=f"{LONG} now", split="holdout"))
    first = publish_dataset(store)
    assert "nearly equal" in first.reasons[2]
    add(store, label(2, input_text="wheat is up"))
    assert len(publish_dataset(store).reasons) == 2


def test_seed_labels_of_a_group_share_a_split_and_keep_it(tmp_path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    lines = [
        {"input": {"text": f"part {n} of {n % 6}"}, "label": "earn", "segments": {"desk": f"d{n % 6}"}}
        for n in range(60)
    ]
    (seeds / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    changes = {"training": {"seed_labels": str(seeds), "seed_holdout_share": 0.5}}
    store = make_store(tmp_path, **changes, split={"group": "desk"})
    admit_seed_labels(store)
    splits: dict[str, set[str]] = {}
    for row in store.read("labels").to_pylist():
        splits.setdefault(row["segment_desk"], set()).add(row["split"])
    assert len(splits) == 6
    assert all(len(found) == 1 for found in splits.values())
    assert set().union(*splits.values()) == {"train", "holdout"}
    before = {row["trace_id"]: row["split"] for row in store.read("labels").to_pylist()}
    (seeds / "a.jsonl").write_text("".join(json.dumps(one | {"label": "acq"}) + "\n" for one in lines))
    other = make_store(tmp_path, **changes)
    admit_seed_labels(other)
    assert {row["trace_id"]: row["split"] for row in other.read("labels").to_pylist()} == before
