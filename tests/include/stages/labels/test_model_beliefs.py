"""The model as prior of training labels: where it counts, and what it never reaches."""

import numpy as np
import pytest

from include.foundation.statistics.model_prior import FEWEST_COMPARED
from include.foundation.store.ledgers.deployments import BEGINNING
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.labels.label_validation import validate_labels
from include.stages.logs.pulling import pull_logs
from include.stages.selection.content import content_key
from include.stages.selection.selecting import select_samples
from tests.builders import CLASSES, KEY, day, line, make_store, write_lines
from tests.include.stages.labels.label_builders import ANNOTATORS, collect, truth, write_answers

ROWS = 120
WORDS = [
    "oil",
    "gold",
    "wheat",
    "rates",
    "yen",
    "bank",
    "ship",
    "steel",
    "cocoa",
    "sugar",
    "trade",
    "merger",
    "profit",
    "quota",
    "crop",
    "tax",
]


def predicted(number, *, sure):
    """What a model says that is right but for every tenth row; without ``sure`` it is always wrong."""
    right = CLASSES.index(truth(f"t{number}"))
    place = right if sure and number % 10 else (right + 1) % 3
    shares = np.where(np.arange(3) == place, 0.9, 0.05).tolist()
    return {"prediction": CLASSES[place], "probabilities": dict(zip(CLASSES, shares, strict=True))}


def decided(folder, *, sure=True, share=1.0, rows=ROWS, is_known=False, **labels):
    """The current labels by trace id where three people answered every row, each wrong in a third of them."""
    folder.mkdir()
    selection = {"budget": rows, "diversify": "none", "random_share": 0.3}
    store = make_store(
        folder, selection=selection, labeling={"hidden_prelabel_share": share}, labels={"min_confidence": 0.0, **labels}
    )
    generator = np.random.default_rng(5)
    texts = [" ".join(generator.choice(WORDS, 9)) for _ in range(rows)]
    logged = [line(n, input={"text": text}, **predicted(n, sure=sure)) for n, text in enumerate(texts)]
    write_lines(folder, logged)
    pull_logs(store, day(), KEY)
    if is_known:
        store.append_new("labels", rows_of(store.loop, "labels", [seed(store.loop, text) for text in texts]))
    select_samples(store, day())
    push_requests(store, backend_for(store.loop, None))
    requests = {row["trace_id"]: row["request_id"] for row in store.read("requests").to_pylist()}
    for name in ANNOTATORS:
        errs = {trace: int(generator.integers(1, 3) * (generator.random() < 0.35)) for trace in sorted(requests)}
        answers = {
            request: CLASSES[(CLASSES.index(truth(trace)) + errs[trace]) % 3] for trace, request in requests.items()
        }
        write_answers(folder, name, answers)
    collect(store)
    validate_labels(store)
    return {row["trace_id"]: row for row in current_labels(store.read("labels")).to_pylist()}


def seed(loop, text):
    """A label of long ago, which is trained on."""
    key = content_key(loop, {"input_text": text})
    return {
        "label_id": f"l-{key}", "trace_id": f"seed-{key}", "label": "earn", "decided_by": "seed", "origin": "seed",
        "split": "train", "stratum": "seed", "inclusion_probability": 1.0, "content_key": key, "near_key": key,
        "ts": BEGINNING, "decided_at": BEGINNING, "input_text": text,
    }  # fmt: skip


def by_split(labels):
    found = {"train": {}, "holdout": {}}
    for trace, row in labels.items():
        found[row["split"]][trace] = row
    return found


def right(labels):
    return np.mean([row["label"] == truth(trace) for trace, row in labels.items()])


def test_model_counts_for_labels_to_train_on(tmp_path):
    with_model, alone = by_split(decided(tmp_path / "a")), by_split(decided(tmp_path / "b", model_counts=False))
    assert {row["decided_by"] for row in with_model["train"].values()} == {"dawid_skene_and_model"}
    assert {row["decided_by"] for row in alone["train"].values()} == {"dawid_skene"}
    assert right(with_model["train"]) > right(alone["train"]) + 0.05


def test_label_of_a_drawn_row_whose_content_is_trained_on_judges_and_never_looks_at_a_model(tmp_path):
    labels = [row for row in decided(tmp_path / "a", is_known=True).values() if row["stratum"] == "random"]
    assert {(row["split"], row["decided_by"]) for row in labels} == {("train", "dawid_skene")}


def test_labels_that_judge_never_look_at_a_model(tmp_path):
    """Whatever the model says, and whether it counts, labels and confidences of the holdout are the same to the last digit."""
    stores = [
        decided(tmp_path / "a"),
        decided(tmp_path / "b", sure=False),
        decided(tmp_path / "c", model_counts=False),
    ]
    held = [
        {t: (row["label"], row["confidence"], row["decided_by"]) for t, row in by_split(each)["holdout"].items()}
        for each in stores
    ]
    shared = set.intersection(*map(set, held))
    assert len(shared) > 20
    assert {by for each in held for _, _, by in each.values()} == {"dawid_skene"}
    assert len({tuple(sorted((t, each[t][:1]) for t in shared)) for each in held}) == 1
    assert held[0] == held[2]


def test_model_does_not_count_where_people_were_shown_what_it_says(tmp_path):
    labels = by_split(decided(tmp_path / "a", share=0.0))
    assert {row["decided_by"] for row in labels["train"].values()} == {"dawid_skene"}


@pytest.mark.parametrize("rows", [FEWEST_COMPARED - 1])
def test_model_does_not_count_before_enough_rows_show_how_sure_it_may_be(tmp_path, rows):
    assert {row["decided_by"] for row in decided(tmp_path / "a", rows=rows).values()} == {"dawid_skene"}
