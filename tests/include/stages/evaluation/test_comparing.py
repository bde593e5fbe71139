import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from include.foundation.decisions import Evaluation, find
from include.foundation.decisions.challenger_evaluation import Differences, DisagreementCensus, SliceScores
from include.foundation.digests import canonical_json
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.evidence_rounds import request_evidence
from tests.decision_builders import make_gate_verdict
from tests.include.stages.evaluation.judged_builders import (
    answered_rows,
    challenger_of,
    champion_of,
    dataset_of,
    log_answers,
    make_judged_store,
)


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path, slices=["desk"])


def measure(store: LoopStore, rows, name: str = "d1", *, first: bool = False) -> Evaluation:
    champion = None if first else champion_of(store.loop)
    return evaluate(store, dataset_of(store.loop, rows), name, champion, challenger_of(store.loop))


def value(found: Evaluation, who: str) -> float | None:
    return found.scores.by_name()[who].value


def slice_of(found: Evaluation, name: str | None) -> SliceScores:
    return next(part for part in found.slices if part.value == name)


def test_evaluate_known_answers_gives_both_scores_and_their_difference(store: LoopStore) -> None:
    found = measure(store, answered_rows("aaa*5 aba*3 aab*1 abc*1"))
    assert value(found, "champion") == pytest.approx(0.6)
    assert value(found, "challenger") == pytest.approx(0.8)
    assert value(found, "difference") == pytest.approx(0.2)
    assert found.differences.random == (
        (-1, 1, 1),
        (0, 6, 1),
        (1, 3, 1),
    )
    assert (found.outcome, found.subject) == ("measured", "key-2")


def test_evaluate_equal_models_differ_nowhere(store: LoopStore) -> None:
    found = measure(store, answered_rows("aaa*5 abb*5"))
    assert value(found, "difference") == 0
    assert found.differences.random == ((0, 10, 1),)


def test_evaluate_unequal_probabilities_weighs_rows_to_production(store: LoopStore) -> None:
    rows = answered_rows("aba*4", inclusion_probability=1.0) + answered_rows("aab*1", 10, inclusion_probability=0.1)
    found = measure(store, rows)
    assert value(found, "challenger") == pytest.approx(4 / 14)
    assert value(found, "difference") == pytest.approx(-6 / 14)
    assert found.differences.random == (
        (-1, 1, 1),
        (0.1, 4, 0.1),
    )


def test_evaluate_seed_rows_count_for_the_first_model_only(store: LoopStore) -> None:
    rows = answered_rows("aab*4", stratum="seed", inclusion_probability=1.0) + answered_rows("aaa*4", 10)
    assert value(measure(store, rows), "challenger") == 1
    first = measure(store, rows, first=True)
    assert value(first, "champion") is value(first, "difference") is None
    assert first.scores.challenger.rows == 8
    assert first.reasons[0].startswith("First model: ")


def test_evaluate_training_rows_count_only_if_asked_for_this_challenger(store: LoopStore) -> None:
    train = {"split": "train", "stratum": "certainty"}
    apart = {"split": "train", "stratum": "disagreement"}
    rows = answered_rows("aaa*3") + answered_rows("aab*5", 10, **train)
    rows += answered_rows("aab*5", 20, **apart, evidence_for="another") + answered_rows(
        "aba*2", 30, **apart, evidence_for="key-2"
    )
    found = measure(store, rows)
    assert found.scores.challenger.rows == 3
    assert found.differences == Differences(random=((0, 3, 1),), disagreement=((1, 2, 1),))


@pytest.mark.parametrize("first", [True, False])
def test_evaluate_no_held_out_row_is_unknown_and_still_recorded(store: LoopStore, *, first: bool) -> None:
    found = measure(store, answered_rows("aaa*3", split="train", stratum="certainty"), first=first)
    assert value(found, "challenger") is None
    assert found.differences == Differences()
    assert "unknown (no rows)" in found.reasons[0]
    assert len(find(store, Evaluation, "key-2")) == 1
    json.dumps(found.evidence, allow_nan=False)


def test_evaluate_again_is_recorded_once(store: LoopStore) -> None:
    rows = answered_rows("aaa*20 aba*8 aab*3 bab*4")
    one, other = measure(store, rows), measure(store, rows)
    assert canonical_json(one.evidence) == canonical_json(other.evidence)
    assert len(find(store, Evaluation)) == 1


def test_evaluate_rows_in_another_order_gives_the_same_evidence(store: LoopStore) -> None:
    rows = answered_rows("aaa*20 aba*8 aab*3 bab*4")
    shuffled = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    one, other = measure(store, rows), measure(store, shuffled, "d2")
    assert one.differences == other.differences
    for who in ("champion", "challenger", "difference"):
        assert asdict(one.scores.by_name()[who]) == pytest.approx(asdict(other.scores.by_name()[who]))


def test_evaluate_read_back_from_the_store_is_what_was_returned(store: LoopStore) -> None:
    found = measure(store, answered_rows("aaa*5 aba*3", inclusion_probability=0.3))
    assert find(store, Evaluation, "key-2")[-1].evidence_digest == found.evidence_digest


def test_evaluate_slices_measure_each_segment_value(store: LoopStore) -> None:
    rows = (
        answered_rows("aba*4")
        + answered_rows("aab*2", 10, segment_desk="us")
        + answered_rows("aaa", 20, segment_desk=None)
    )
    rows += answered_rows("aab*3", 30, segment_desk="us", split="train", stratum="disagreement", evidence_for="key-2")
    found = measure(store, rows)
    assert [part.value for part in found.slices] == [None, "eu", "us"]
    assert slice_of(found, "eu").scores.difference.value == 1
    challenger = slice_of(found, "us").scores.challenger
    assert (challenger.value, challenger.rows) == (0, 2)
    assert slice_of(found, "us").differences == ((-1, 5),)
    assert slice_of(found, None).differences == ((0, 1),)


def test_evaluate_slice_known_from_disagreements_only_has_no_score(store: LoopStore) -> None:
    rows = answered_rows("aaa") + answered_rows("aba", 5, segment_desk="us", split="train", evidence_for="key-2")
    found = slice_of(measure(store, rows), "us")
    assert (found.scores.challenger.value, found.differences) == (None, ((1, 1),))


def test_evaluate_window_counts_disagreements_without_labels(store: LoopStore) -> None:
    log_answers(store, "aaa*6 aab*3 abc*1")
    window = measure(store, answered_rows("aaa*3")).window
    assert window == DisagreementCensus(rows=10, share=0.4, askable=4)


def test_evaluate_rows_asked_before_count_for_the_share_but_not_for_asking(store: LoopStore) -> None:
    log_answers(store, "aaa*6 aab*4")
    verdict = make_gate_verdict("key-2", "label_more", k=3)
    request_evidence(store, verdict, champion_of(store.loop), challenger_of(store.loop))
    assert measure(store, answered_rows("aaa*3")).window == DisagreementCensus(rows=10, share=0.4, askable=1)


def test_evaluate_rows_older_than_the_window_do_not_count(store: LoopStore) -> None:
    log_answers(store, "aab*5")
    log_answers(store, "aaa*3 aab", 2000, days=store.loop.deploy.watch_days + 1.0)
    assert measure(store, answered_rows("aaa")).window == DisagreementCensus(rows=4, share=0.25, askable=1)


def test_evaluate_no_logs_has_an_empty_window(store: LoopStore) -> None:
    empty = DisagreementCensus(rows=0, share=0.0, askable=0)
    assert measure(store, answered_rows("aaa")).window == empty
    assert measure(store, answered_rows("aaa"), first=True).window == empty


def test_evaluate_per_class_gives_recall_precision_and_f1_of_the_challenger(store: LoopStore) -> None:
    found = measure(store, answered_rows("aaa*3 aab*1 bbb*2")).per_class
    assert (found["a"].recall.value, found["a"].precision, found["a"].rows) == (0.75, 1, 4)
    assert (found["b"].recall.value, found["b"].precision) == (1, pytest.approx(2 / 3))
    assert found["b"].f1 == pytest.approx(0.8)
    assert (found["c"].recall.value, found["c"].precision, found["c"].f1, found["c"].rows) == (
        None,
        None,
        None,
        0,
    )


def test_evaluate_class_never_recalled_has_f1_zero(store: LoopStore) -> None:
    found = measure(store, answered_rows("aab bba")).per_class
    assert (found["a"].f1, found["b"].f1) == (0, 0)


def test_evaluate_writes_a_picture_that_the_evidence_names(store: LoopStore) -> None:
    found = measure(store, answered_rows("aaa*3"))
    assert found.picture.endswith("_files/evaluations/key-2-d1.png")
    assert Path(found.picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("answers", "recall"), [("aaa*90 bbb*10", 1.0), ("aaa*90 bba*10", 0.5), ("aab*90 bbb*10", 0.5)]
)
def test_evaluate_balanced_accuracy_is_the_mean_recall_in_its_unit(tmp_path: Path, answers: str, recall: float) -> None:
    found = measure(make_judged_store(tmp_path, score="balanced_accuracy"), answered_rows(answers))
    unit = found.score_unit
    assert unit == value(found, "champion") == pytest.approx(0.2)
    assert value(found, "challenger") == pytest.approx(recall * unit)
    assert value(found, "difference") == pytest.approx((recall - 1) * unit)


def test_evaluate_balanced_accuracy_states_the_unit_of_its_bets(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, score="balanced_accuracy")
    found = measure(store, answered_rows("aba*90 bab*10"))
    bets = found.differences.random
    total = sum(difference * count for difference, count, _ in bets) / 100
    assert found.score_unit == pytest.approx(0.2)
    assert total == pytest.approx(value(found, "difference"))
    assert measure(make_judged_store(tmp_path / "plain"), answered_rows("aba*90 bab*10")).score_unit == 1
