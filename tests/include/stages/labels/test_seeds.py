"""The seed labels in the store are what the seed files say, whatever they said before."""

import gzip
import json

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from include.foundation.store.ledgers.outcomes import current_labels
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.labels.seeds import SeedReport, admit_seed_labels
from tests.builders import CLASSES, make_store


def seed(text, label="earn", **changes):
    return {"input": {"text": text}, "label": label, **changes}


def store_of(folder, classes=CLASSES, share=0.0, **task):
    (folder / "seeds").mkdir(exist_ok=True)
    training = {"seed_labels": str(folder / "seeds"), "seed_holdout_share": share}
    return make_store(folder, training=training, task={"classes": classes, **task})


def write(folder, *seeds, name="seed.jsonl"):
    (folder / "seeds").mkdir(exist_ok=True)
    raw = "".join((json.dumps(item) if isinstance(item, dict) else item) + "\n" for item in seeds).encode()
    (folder / "seeds" / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)


def labels(store):
    return {row["input_text"]: row["label"] for row in current_labels(store.read("labels")).to_pylist()}


def refusals(store):
    return [
        (row["stage"], row["source"], row["line"], row["reason_code"]) for row in store.read("quarantine").to_pylist()
    ]


def test_corrected_line_supersedes_what_it_said(tmp_path):
    store = store_of(tmp_path)
    write(tmp_path, seed("apple"), seed("pear"))
    admit_seed_labels(store)
    write(tmp_path, seed("apple", "grain"), seed("pear"))
    report = admit_seed_labels(store)
    assert (report.admitted, report.changes) == (0, ("seed.jsonl:1 says 'grain', which was 'earn'",))
    assert labels(store) == {"apple": "grain", "pear": "earn"}
    assert admit_seed_labels(store) == SeedReport()


def test_line_that_is_gone_is_removed_and_may_come_back(tmp_path):
    store = store_of(tmp_path)
    for number, (present, admitted) in enumerate([(True, 2), (False, 0), (True, 1), (False, 0)]):
        write(tmp_path, *([seed("apple")] if present else []), seed("pear"))
        report = admit_seed_labels(store)
        assert report.admitted == admitted
        assert [change.split(",")[0] for change in report.changes] == (
            [] if present else ["removed: 'earn' of {'text': 'apple'}"]
        )
        assert set(labels(store)) == ({"apple", "pear"} if present else {"pear"})
        assert store.read("labels").num_rows == number + 2
        assert admit_seed_labels(store) == SeedReport()


def test_dataset_has_no_removed_seed(tmp_path):
    store = store_of(tmp_path)
    write(tmp_path, seed("apple"), seed("pear"))
    admit_seed_labels(store)
    publish_dataset(store)
    write(tmp_path, seed("pear"))
    admit_seed_labels(store)
    published = publish_dataset(store)
    assert published.removed == 1
    assert read_dataset(store, published.subject).train.column("input_text").to_pylist() == ["pear"]


@pytest.mark.parametrize("names", [("a.jsonl", "b.jsonl"), ("seed.jsonl",)], ids=["two-files", "one-file"])
def test_of_contradictory_lines_the_later_counts_and_the_other_is_set_aside(tmp_path, names):
    store = store_of(tmp_path)
    if len(names) == 2:
        write(tmp_path, seed("apple"), name="a.jsonl")
        write(tmp_path, "", seed("apple", "grain"), name="b.jsonl")
    else:
        write(tmp_path, seed("apple"), seed("apple", "grain"))
    report = admit_seed_labels(store)
    assert labels(store) == {"apple": "grain"}
    assert refusals(store) == [("seeds", names[0], 1, "contradicted_seed")]
    (change,) = report.changes
    assert f"{names[0]}:1 says 'earn', but {names[-1]}:2 says 'grain'" in change
    assert admit_seed_labels(store) == SeedReport()


def test_inputs_that_differ_in_signs_are_two_seeds(tmp_path):
    store = store_of(tmp_path)
    write(tmp_path, seed("👍"), seed("👎", "grain"), seed("e\u0301"), seed("é"))
    report = admit_seed_labels(store)
    assert (report.admitted, report.changes) == (3, ())
    assert len(set(store.read("labels").column("trace_id").to_pylist())) == 3


def test_nothing_is_removed_while_a_file_cannot_be_read_to_its_end(tmp_path):
    store = store_of(tmp_path)
    write(tmp_path, *(seed(f"apple {chr(97 + n)} {n * 7919}") for n in range(20)), name="seed.jsonl.gz")
    assert admit_seed_labels(store).admitted == 20
    path = tmp_path / "seeds" / "seed.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-60])
    assert admit_seed_labels(store) == SeedReport(refused=1)
    assert refusals(store) == [("seeds", "seed.jsonl.gz", None, "bad_seed")]
    assert len(labels(store)) == 20


def test_split_of_a_seed_follows_from_its_content_for_good(tmp_path):
    """A split that changed would train a model on rows that an earlier one was judged on."""
    store = store_of(tmp_path, share=0.3)
    words = [f"{first}{second}" for first in "abcdefghij" for second in "klmnopqrst"]
    write(tmp_path, *map(seed, words))
    admit_seed_labels(store)
    held_out = [row["input_text"] for row in store.read("labels").to_pylist() if row["split"] == "holdout"]
    assert (len(held_out), sorted(held_out)[:6]) == (33, ["al", "am", "an", "aq", "bn", "bq"])


def test_seeds_under_the_former_name_of_a_class_stay(tmp_path):
    write(tmp_path, seed("apple", "grain"), seed("pear"))
    admit_seed_labels(store_of(tmp_path))
    renamed = store_of(tmp_path, classes=["earn", "acq", "cereals"], renamed={"grain": "cereals"})
    assert admit_seed_labels(renamed) == SeedReport()
    write(tmp_path, seed("apple", "cereals"), seed("pear"))
    assert admit_seed_labels(renamed) == SeedReport()


def test_seed_of_the_future_or_without_a_class_is_refused(tmp_path):
    store = store_of(tmp_path, classes=["0", "1"])
    write(tmp_path, seed("a", 1), seed("b", 1.0), seed("c", ts="2999-01-01"), seed("d", None), seed("e", ["1"]))
    assert admit_seed_labels(store).refused == 3
    assert labels(store) == {"a": "1", "b": "1"}


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers(), max_size=2),
    st.sampled_from(["earn", "acq", {"text": "a"}, {"text": "b"}, {"text": None}, "2099-01-01", "\ud800", "a", {"desk": 7.0}]),
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from(["input", "label", "ts", "segments"]), VALUES, max_size=2)
NO_LINES = st.sampled_from(["{", "[1]", "null", "{}", '{"a": 1, "a": 2}', "\x00"])
LINES = st.lists(CHANGES.map(lambda changes: seed("a") | changes) | NO_LINES, max_size=10)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, LINES)
def test_labels_are_what_the_files_say_last_and_every_line_is_accounted_for(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("fuzz")
    store = store_of(folder)
    for lines in (first, second):
        write(folder, *lines)
        before = store.read("quarantine").num_rows
        report = admit_seed_labels(store)
        assert store.read("quarantine").num_rows - before == report.refused
        assert admit_seed_labels(store) == SeedReport()
        fresh_folder = tmp_path_factory.mktemp("fresh")
        fresh = store_of(fresh_folder)
        write(fresh_folder, *lines)
        alone = admit_seed_labels(fresh)
        assert labels(store) == labels(fresh)
        repeats = len(lines) - alone.refused - alone.admitted
        assert repeats >= 0
        assert all(
            row["reason_code"] in {"bad_seed", "contradicted_seed"} for row in fresh.read("quarantine").to_pylist()
        )
