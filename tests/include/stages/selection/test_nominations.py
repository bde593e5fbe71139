"""What names rows as worth a label beside their score: each up to its share, with its reason, and certain to be asked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from include.foundation.digests import digest_of
from include.stages.selection.committees import vote_entropy
from include.stages.selection.sampled_nominations import outlyingness
from include.stages.selection.selecting import select_samples
from tests.include.stages.selection.selection_builders import (
    DAY,
    add_rows,
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
)

CERTAIN = 6  # of a budget of 10


def selected(folder, rows, nominate=None, labels=(), models=None, segments=("desk",), **policy):
    sections = {"budget": 10, "random_share": 0.4, "diversify": "none", "nominate": nominate or {}, **policy}
    loop = make_selection_loop(segments=list(segments), selection=sections)
    store = make_selection_store(folder, rows, loop=loop)
    if labels:
        add_rows(store, "labels", labels)
    select_samples(store, day_interval(), models=models)
    return store


def chosen(store) -> dict[str, str]:
    """Return the reason of each row that was chosen, by trace id."""
    requests = requests_of(store, stratum="certainty")
    assert {(row["inclusion_probability"], row["split"]) for row in requests} == {(1.0, "train")}
    return {row["trace_id"]: row["reasons"][0] for row in requests}


def reasoned(store, beginning: str) -> dict[str, str]:
    return {name: reason for name, reason in chosen(store).items() if reason.startswith(beginning)}


def training_labels(**counts: int) -> list[dict[str, Any]]:
    return [
        {
            "label_id": digest_of(name, number), "trace_id": f"before-{name}-{number}", "label": "ship",
            "decided_by": "majority",
            "origin": "fresh", "split": "train", "stratum": "certainty", "inclusion_probability": 1.0, "ts": DAY,
            "content_key": digest_of(name, number), "near_key": digest_of("near", name, number), "decided_at": DAY,
            "segment_desk": name,
        }
        for name, count in counts.items() for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 3), (1.0, 6)])
def test_rows_of_high_impact_are_chosen_up_to_their_share(tmp_path, share, wanted):
    rows = [prediction_row(n, impact=None if n % 2 else float(n)) for n in range(60)]
    store = selected(tmp_path, rows, {"impact": {"share": share}})
    found = reasoned(store, "impact")
    drawn = {row["trace_id"] for row in requests_of(store, stratum="random")}
    best = [f"d0-{n:05d}" for n in range(58, 0, -2) if f"d0-{n:05d}" not in drawn]
    assert found == {name: f"impact {int(name[-5:])}" for name in best[:wanted]}
    assert len(chosen(store)) == CERTAIN


def test_impact_below_the_threshold_names_nobody(tmp_path):
    rows = [prediction_row(n, impact=float(n)) for n in range(30)]
    found = reasoned(selected(tmp_path, rows, {"impact": {"share": 1.0, "at_least": 28}}), "impact")
    assert set(found) <= {"d0-00028", "d0-00029"}
    assert found


def test_rows_below_a_confidence_are_chosen_up_to_their_share(tmp_path):
    """Though the score finds others more informative."""
    unsure = [prediction_row(n, probabilities=[0.45, 0.28, 0.27], confidence=0.45) for n in range(30)]
    torn = [prediction_row(n, probabilities=[0.5, 0.5, 0.0], confidence=0.5) for n in range(30, 60)]
    found = selected(tmp_path, [*unsure, *torn], {"low_confidence": {"share": 0.34, "below": 0.46}})
    assert set(reasoned(found, "low confidence").values()) == {"low confidence: 0.45, below 0.46"}
    assert len(reasoned(found, "low confidence")) == CERTAIN // 3


@pytest.mark.parametrize("by", ["desk", "predicted"])
def test_groups_with_few_labels_are_chosen_up_to_their_share(tmp_path, by):
    """The group with the fewest first; one with enough labels, or without a name, is not named."""
    rows = [
        prediction_row(n, segment_desk=["eu", "us", "asia", None][n % 4], predicted=["ship", "acq"][n % 2])
        for n in range(80)
    ]
    nominate = {"groups": {"share": 0.5, "by": by, "labels": 10}}
    found = reasoned(selected(tmp_path, rows, nominate, training_labels(eu=12, us=8)), "under-represented")
    wanted = "desk=asia has 0 of 10 labels" if by == "desk" else "its class has 0 of 10 labels"
    assert set(found.values()) == {f"under-represented: {wanted}"}
    assert len(found) == CERTAIN // 2


@dataclass
class Member:
    """A model that calls every row by one class, but rows of some numbers by another."""

    dissents: int

    def predict(self, rows):
        numbers = [int(name[-5:]) for name in rows.column("trace_id").to_pylist()]
        return np.array(["acq" if n % 40 < self.dissents else "earn" for n in numbers], dtype=object), None


def test_rows_on_which_a_committee_disagrees_are_chosen_up_to_its_share(tmp_path):
    asked = []
    models = [Member(0), Member(2), Member(0)]
    nominate = {"committee": {"share": 0.5, "versions": 5}}
    store = selected(tmp_path, prediction_rows(200), nominate, models=lambda n: asked.append(n) or models)
    found = reasoned(store, "committee")
    assert set(found.values()) == {"committee 0.92 bits: 3 model versions disagree"}
    assert len(found) == CERTAIN // 2
    assert all(int(name[-5:]) % 40 < 2 for name in found)
    assert asked == [5]


@pytest.mark.parametrize("models", [None, lambda n: [Member(0)]])
def test_committee_of_fewer_than_two_names_nobody_and_the_decision_says_so(tmp_path, models):
    store = selected(tmp_path, prediction_rows(60), {"committee": {}}, models=models)
    assert len(chosen(store)) == CERTAIN
    assert "Nothing is chosen by a committee: 2 registered versions are needed" in told(store)


def told(store) -> str:
    return " ".join(store.read("decisions").to_pylist()[0]["reasons"])


def embedded(count: int, odd: int) -> list[dict[str, Any]]:
    """Return rows in two dense clusters of embeddings, and some between them."""
    generator = np.random.default_rng(2)
    rows = []
    for n in range(count):
        centre = np.array([1.0, 0, 0]) if n % 2 else np.array([0, 1.0, 0])
        vector = generator.normal(size=3) if n < odd else centre + 0.2 * generator.normal(size=3)
        rows.append(prediction_row(n, embedding=vector.tolist(), probabilities=[0.98, 0.01, 0.01]))
    return rows


def test_outliers_are_chosen_up_to_their_share(tmp_path):
    store = selected(tmp_path, embedded(300, 5), {"outliers": {"share": 0.5, "at_least": 2.0}})
    found = reasoned(store, "outlier")
    assert len(found) >= 2
    assert sum(int(name[-5:]) < 5 for name in found) / len(found) > 0.6
    assert "outlier: " in next(iter(found.values()))
    none = selected(tmp_path / "none", embedded(300, 5), {"outliers": {"share": 0.5, "at_least": 900.0}})
    assert not reasoned(none, "outlier")


def test_what_nominates_takes_its_turn_and_the_decision_counts_it(tmp_path):
    rows = [prediction_row(n, impact=float(n), segment_desk="eu") for n in range(80)]
    nominate = {"impact": {"share": 0.34}, "groups": {"share": 0.34, "by": "desk", "labels": 5}}
    store = selected(tmp_path, rows, nominate)
    assert [len(reasoned(store, words)) for words in ("impact", "under-represented", "the model is unsure")] == [
        2,
        2,
        2,
    ]
    assert "By what nominates beside score and users: 2 impact, 2 under-represented." in told(store)


def test_cost_aware_score_counts_what_a_wrong_answer_would_cost(tmp_path):
    """Of rows that are as unsure the dear ones, and a row without an impact as one of 1."""
    rows = [prediction_row(n, probabilities=[0.5, 0.3, 0.2], impact=[None, 0.5, 3.0][n % 3]) for n in range(60)]
    found = chosen(selected(tmp_path, rows, cost_aware=True))
    assert {int(name[-5:]) % 3 for name in found} == {2}
    assert set(found.values()) == {"the model is unsure: margin score 0.80, impact 3"}
    assert {int(name[-5:]) % 3 for name in chosen(selected(tmp_path / "not", rows))} != {2}


def covering(count: int) -> list[dict[str, Any]]:
    """Return rows in six clusters, of which one is of unsure rows."""
    generator = np.random.default_rng(0)
    return [
        prediction_row(
            n, embedding=(np.eye(6)[n % 6] + 0.15 * generator.normal(size=6)).tolist(),
            probabilities=[0.4, 0.3, 0.3] if n % 6 == 0 else [0.98, 0.01, 0.01],
        )
        for n in range(count)
    ]  # fmt: skip


def clusters_of(names) -> set[int]:
    return {int(name[-5:]) % 6 for name in names}


@pytest.mark.parametrize(("labels", "is_cold"), [(9, True), (10, False)])
def test_at_a_cold_start_chosen_rows_cover_what_is_served(tmp_path, labels, is_cold):
    policy = {"cold_start": {"labels": 10}, "score": "margin"}
    store = selected(tmp_path, covering(240), labels=training_labels(eu=labels), **policy)
    found = chosen(store)
    assert (len(clusters_of(found)) >= 5) == is_cold
    assert ("cold start: chosen to cover what is served" in found.values()) == is_cold
    assert ("Cold start: fewer than 10 labels to train on" in told(store)) == is_cold


def test_batch_at_a_cold_start_is_as_small_as_the_loop_file_says(tmp_path):
    store = selected(tmp_path, covering(240), cold_start={"labels": 10, "budget": 5})
    assert len(requests_of(store)) == 5
    assert len(requests_of(store, stratum="random")) == 2


def test_vote_entropy_is_that_of_the_votes():
    """Analytic anchors: all agree 0, halves 1 bit, three of three log2(3); the order of members does not matter."""
    votes = np.array([list("aaa"), list("aba"), list("aca"), list("abb")], dtype=object)
    assert vote_entropy(votes) == pytest.approx([0, 1.5, 0.8112781], abs=1e-6)
    assert vote_entropy(votes[::-1]) == pytest.approx(vote_entropy(votes))
    assert vote_entropy(np.array([["a"], ["b"], ["c"]], dtype=object)) == pytest.approx([np.log2(3)])
    assert vote_entropy(np.empty((2, 0), dtype=object)).size == 0


def test_outlyingness_is_of_the_place_and_not_of_the_density():
    """A sparse cluster is no outlier beside a dense one; a lone point is; equal points are infinitely far from nobody."""
    generator = np.random.default_rng(1)
    dense, sparse = generator.normal(size=(200, 2)) * 0.1, generator.normal(size=(200, 2)) * 3 + 100
    factors = outlyingness(np.vstack([dense, sparse, [[30.0, 30.0]]]))
    assert factors.argmax() == 400
    assert factors[400] > 3
    assert abs(np.median(factors[:200]) - np.median(factors[200:400])) < 0.3
    assert outlyingness(np.zeros((50, 3))) == pytest.approx(np.ones(50))
    scaled = outlyingness(7 * np.vstack([dense, sparse]))
    assert scaled == pytest.approx(outlyingness(np.vstack([dense, sparse])))
    beside = outlyingness(np.vstack([np.zeros((40, 2)), generator.normal(size=(60, 2))]))
    assert beside.max() < 200
