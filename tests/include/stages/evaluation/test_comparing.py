import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from include.foundation.config.sections import Split
from include.foundation.decisions import Evaluation, find, record
from include.foundation.decisions.challenger_evaluation import Differences, SliceScores
from include.foundation.decisions.drift_verdict import MonitorFinding, PerformanceDetails
from include.foundation.digests import canonical_json
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.comparing import evaluate, population
from include.stages.gate.evidence_rounds import request_evidence
from tests.decision_builders import make_drift_verdict, make_gate_verdict
from tests.include.stages.evaluation.judged_builders import (
    DAY,
    answered_row,
    answered_rows,
    challenger_of,
    champion_of,
    dataset_of,
    log_answers,
    make_judged_loop,
    make_judged_store,
)


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path, slices=["desk"])


def measure(store: LoopStore, rows, name: str = "d1", *, first: bool = False) -> Evaluation:
    champion = None if first else champion_of(store.loop)
    return evaluate(store, dataset_of(store.loop, rows), name, champion, challenger_of(store.loop))


def value(evaluation: Evaluation, name: str) -> float | None:
    return evaluation.scores.by_name()[name].value


def slice_of(evaluation: Evaluation, name: str | None) -> SliceScores:
    return next(part for part in evaluation.slices if part.value == name)


def test_evaluate_known_answers_gives_both_scores_and_their_difference(store: LoopStore) -> None:
    evaluation = measure(store, answered_rows("aaa*5 aba*3 aab*1 abc*1"))
    assert value(evaluation, "champion") == pytest.approx(0.6)
    assert value(evaluation, "challenger") == pytest.approx(0.8)
    assert value(evaluation, "difference") == pytest.approx(0.2)
    assert evaluation.differences.random == (
        (-1, 1, 1),
        (0, 6, 1),
        (1, 3, 1),
    )
    assert (evaluation.outcome, evaluation.subject) == ("measured", "key-2")


def test_evaluate_equal_models_differ_nowhere(store: LoopStore) -> None:
    evaluation = measure(store, answered_rows("aaa*5 abb*5"))
    assert value(evaluation, "difference") == 0
    assert evaluation.differences.random == ((0, 10, 1),)


def test_evaluate_unequal_probabilities_weighs_rows_to_production(store: LoopStore) -> None:
    rows = answered_rows("aba*4", inclusion_probability=1.0) + answered_rows("aab*1", 10, inclusion_probability=0.1)
    evaluation = measure(store, rows)
    assert value(evaluation, "challenger") == pytest.approx(4 / 14)
    assert value(evaluation, "difference") == pytest.approx(-6 / 14)
    assert evaluation.differences.random == (
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


def test_evaluate_first_model_is_held_against_what_was_served_on_the_same_rows(store: LoopStore) -> None:
    """The champion's column is not asked: what counts is what was logged with the row."""
    rows = answered_rows("aaa*4", stratum="seed", inclusion_probability=1.0)
    rows += answered_rows("aaa*6", 10, predicted="b") + answered_rows("aab*3", 20, predicted="a")
    first = measure(store, rows, first=True)
    assert first.champion_version is None
    assert value(first, "champion") == pytest.approx(3 / 9)
    assert value(first, "challenger") == pytest.approx(6 / 9)
    assert first.differences.random == ((-1, 3, 1), (1, 6, 1))
    assert first.corrected is None


def test_evaluate_training_rows_count_only_if_asked_for_this_challenger(store: LoopStore) -> None:
    train = {"split": "train", "stratum": "certainty"}
    disagreement = {"split": "train", "stratum": "disagreement"}
    rows = answered_rows("aaa*3") + answered_rows("aab*5", 10, **train)
    rows += answered_rows("aab*5", 20, **disagreement, evidence_for="another") + answered_rows(
        "aba*2", 30, **disagreement, evidence_for="key-2"
    )
    evaluation = measure(store, rows)
    assert evaluation.scores.challenger.rows == 3
    assert evaluation.differences == Differences(random=((0, 3, 1),), disagreement=((1, 2, 1),))


@pytest.mark.parametrize("first", [True, False])
def test_evaluate_no_held_out_row_is_unknown_and_still_recorded(store: LoopStore, *, first: bool) -> None:
    evaluation = measure(store, answered_rows("aaa*3", split="train", stratum="certainty"), first=first)
    assert value(evaluation, "challenger") is None
    assert evaluation.differences == Differences()
    assert "unknown (no rows)" in evaluation.reasons[0]
    assert len(find(store, Evaluation, "key-2")) == 1
    json.dumps(evaluation.evidence, allow_nan=False)


def test_evaluate_again_is_recorded_once(store: LoopStore) -> None:
    rows = answered_rows("aaa*20 aba*8 aab*3 bab*4")
    first_evaluation, second_evaluation = measure(store, rows), measure(store, rows)
    assert canonical_json(first_evaluation.evidence) == canonical_json(second_evaluation.evidence)
    assert len(find(store, Evaluation)) == 1


def test_evaluate_rows_in_another_order_gives_the_same_evidence(store: LoopStore) -> None:
    rows = answered_rows("aaa*20 aba*8 aab*3 bab*4")
    shuffled = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    first_evaluation, second_evaluation = measure(store, rows), measure(store, shuffled, "d2")
    assert first_evaluation.differences == second_evaluation.differences
    for name in ("champion", "challenger", "difference"):
        assert asdict(first_evaluation.scores.by_name()[name]) == pytest.approx(
            asdict(second_evaluation.scores.by_name()[name])
        )


def test_evaluate_read_back_from_the_store_is_what_was_returned(store: LoopStore) -> None:
    evaluation = measure(store, answered_rows("aaa*5 aba*3", inclusion_probability=0.3))
    assert find(store, Evaluation, "key-2")[-1].evidence_digest == evaluation.evidence_digest


def test_evaluate_slices_measure_each_segment_value(store: LoopStore) -> None:
    rows = (
        answered_rows("aba*4")
        + answered_rows("aab*2", 10, segment_desk="us")
        + answered_rows("aaa", 20, segment_desk=None)
    )
    rows += answered_rows("aab*3", 30, segment_desk="us", split="train", stratum="disagreement", evidence_for="key-2")
    evaluation = measure(store, rows)
    assert [part.value for part in evaluation.slices] == [None, "eu", "us"]
    assert slice_of(evaluation, "eu").scores.difference.value == 1
    challenger = slice_of(evaluation, "us").scores.challenger
    assert (challenger.value, challenger.rows) == (0, 2)
    assert slice_of(evaluation, "us").differences == ((-1, 5),)
    assert slice_of(evaluation, None).differences == ((0, 1),)


def test_evaluate_slice_known_from_disagreements_only_has_no_score(store: LoopStore) -> None:
    rows = answered_rows("aaa") + answered_rows("aba", 5, segment_desk="us", split="train", evidence_for="key-2")
    on_slice = slice_of(measure(store, rows), "us")
    assert (on_slice.scores.challenger.value, on_slice.differences) == (None, ((1, 1),))


def test_evaluate_window_counts_disagreements_without_labels(store: LoopStore) -> None:
    log_answers(store, "aaa*6 aab*3 abc*1")
    window = measure(store, answered_rows("aaa*3")).window
    assert (window.rows, window.share, window.askable, window.undrawn) == (10, 0.4, 4, 4)


def test_evaluate_rows_asked_before_count_for_the_share_but_not_for_asking(store: LoopStore) -> None:
    log_answers(store, "aaa*6 aab*4")
    verdict = make_gate_verdict("key-2", "label_more", k=3)
    request_evidence(store, verdict, champion_of(store.loop), challenger_of(store.loop))
    window = measure(store, answered_rows("aaa*3")).window
    assert (window.rows, window.share, window.askable, window.undrawn) == (10, 0.4, 1, 1)


def test_evaluate_rows_older_than_the_window_do_not_count(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, evidence_days=3)
    log_answers(store, "aab*5")
    log_answers(store, "aaa*3 aab", 2000, days=3.1)
    random = answered_rows("aba*2") + answered_rows("aab*4", 10, ts=DAY + timedelta(days=1))
    evaluation = measure(store, random)
    window = evaluation.window
    assert (window.rows, window.share, window.askable) == (4, 0.25, 1)
    assert window.until is not None
    assert window.since == window.until - timedelta(days=3)
    assert evaluation.differences.random == ((-1, 4, 1),)
    assert evaluation.scores.challenger.rows == 6
    assert find(store, Evaluation, "key-2")[-1].evidence_digest == evaluation.evidence_digest


def drop(store: LoopStore, day: int, changed_on: int | None, segment: str = "") -> None:
    """Record that on a day accuracy was shown to have dropped; days are counted from `DAY`."""
    window = Interval(DAY + timedelta(days=day), DAY + timedelta(days=day + 1))
    since = None if changed_on is None else (DAY + timedelta(days=changed_on)).date()
    details = PerformanceDetails(estimate=UNKNOWN, reference=0.8, needed=40.0, changed_on=since)
    finding = MonitorFinding(
        monitor="performance", column="accuracy", segment=segment, statistic="accuracy", effect=0.2, p_value=None,
        flagged=since is not None, sentence="", details=details,
    )  # fmt: skip
    record(store, make_drift_verdict(window.key, "drift", monitors=(finding,)))


def test_evaluate_after_a_drop_only_rows_since_then_count(store: LoopStore) -> None:
    """Right now and wrong before: what was right before the drop does not hold the challenger back."""
    log_answers(store, "aab*5")
    log_answers(store, "aaa*3 aba*2", 2000, days=9)
    drop(store, 10, 8)
    random = answered_rows("aab*40") + answered_rows("aba*6", 50, ts=DAY + timedelta(days=9))
    evaluation = measure(store, random)
    assert (evaluation.window.changed, evaluation.window.since) == (True, DAY + timedelta(days=8))
    assert (evaluation.window.rows, evaluation.window.share) == (5, 0.4)
    assert (evaluation.scores.difference.value, evaluation.scores.difference.rows) == (pytest.approx(1.0), 6)
    assert evaluation.differences.random == ()  # they told of the drop, so chance in them favours any challenger
    drop(store, 11, 9)
    assert measure(store, random, "d2").window == evaluation.window


@pytest.mark.parametrize(
    "drops",
    [[], [(10, None, "")], [(10, 8, "desk=eu")], [(-40, -41, "")], [(10, -40, "")]],
    ids=["none", "not shown", "of a segment", "long ago", "before the window"],
)
def test_evaluate_without_a_drop_of_late_all_days_count(
    store: LoopStore, drops: list[tuple[int, int | None, str]]
) -> None:
    log_answers(store, "aab*5")
    log_answers(store, "aaa*3 aba*2", 2000, days=9)
    for one in drops:
        drop(store, *one)
    window = measure(store, answered_rows("aab*4")).window
    assert (window.changed, window.rows) == (False, 10)


def test_evaluate_later_rounds_are_judged_on_what_the_first_one_settled(store: LoopStore) -> None:
    log_answers(store, "aaa*6 aab*4")
    first = measure(store, answered_rows("aaa*6 aba*3"))
    log_answers(store, "aab*50", 2000, days=2)
    later = measure(store, answered_rows("aaa*6 aba*3 aab*5", inclusion_probability=0.5), "d2")
    assert later.differences == first.differences
    assert [part.differences for part in later.slices] == [part.differences for part in first.slices]
    assert (later.window, later.score_unit) == (first.window, first.score_unit)
    assert later.scores.challenger.rows == 14


def test_evaluate_another_champion_settles_anew(store: LoopStore) -> None:
    log_answers(store, "aaa*6 aab*4")
    measure(store, answered_rows("aaa*6 aba*3"))
    log_answers(store, "aab*50", 2000, days=2)
    rows = dataset_of(store.loop, answered_rows("aaa*6 aba*3 aab*5"))
    again = evaluate(store, rows, "d2", champion_of(store.loop, "2"), challenger_of(store.loop))
    assert again.window.rows == 60
    assert again.differences.random == ((-1, 5, 1), (0, 6, 1), (1, 3, 1))


def test_evaluate_no_logs_has_an_empty_window(store: LoopStore) -> None:
    for first in (True, False):
        window = measure(store, answered_rows("aaa"), first=first).window
        assert (window.rows, window.share, window.askable, window.since) == (0, 0.0, 0, None)


def test_evaluate_per_class_gives_recall_precision_and_f1_of_the_challenger(store: LoopStore) -> None:
    per_class = measure(store, answered_rows("aaa*3 aab*1 bbb*2")).per_class
    assert (per_class["a"].recall.value, per_class["a"].precision, per_class["a"].rows) == (0.75, 1, 4)
    assert (per_class["b"].recall.value, per_class["b"].precision) == (1, pytest.approx(2 / 3))
    assert per_class["b"].f1 == pytest.approx(0.8)
    assert (per_class["c"].recall.value, per_class["c"].precision, per_class["c"].f1, per_class["c"].rows) == (
        None,
        None,
        None,
        0,
    )


def test_evaluate_class_never_recalled_has_f1_zero(store: LoopStore) -> None:
    per_class = measure(store, answered_rows("aab bba")).per_class
    assert (per_class["a"].f1, per_class["b"].f1) == (0, 0)


def test_evaluate_writes_a_picture_that_the_evidence_names(store: LoopStore) -> None:
    evaluation = measure(store, answered_rows("aaa*3"))
    assert evaluation.picture is not None
    assert evaluation.picture.endswith("_files/evaluations/key-2-d1.html")
    assert "Champion, 95 %" in Path(evaluation.picture).read_text()


@pytest.mark.parametrize(
    ("answers", "recall"), [("aaa*90 bbb*10", 1.0), ("aaa*90 bba*10", 0.5), ("aab*90 bbb*10", 0.5)]
)
def test_evaluate_balanced_accuracy_is_the_mean_recall_in_its_unit(tmp_path: Path, answers: str, recall: float) -> None:
    evaluation = measure(make_judged_store(tmp_path, score="balanced_accuracy"), answered_rows(answers))
    unit = evaluation.score_unit
    assert unit == value(evaluation, "champion") == pytest.approx(0.2)
    assert value(evaluation, "challenger") == pytest.approx(recall * unit)
    assert value(evaluation, "difference") == pytest.approx((recall - 1) * unit)


def test_evaluate_balanced_accuracy_states_the_unit_of_its_bets(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, score="balanced_accuracy")
    evaluation = measure(store, answered_rows("aba*90 bab*10"))
    bets = evaluation.differences.random
    total = sum(difference * count for difference, count, _ in bets) / 100
    assert evaluation.score_unit == pytest.approx(0.2)
    assert total == pytest.approx(value(evaluation, "difference"))
    assert measure(make_judged_store(tmp_path / "plain"), answered_rows("aba*90 bab*10")).score_unit == 1


@pytest.mark.parametrize(
    ("first", "group", "said"),
    [
        (True, None, "2 seed labels that are held out and 1 rows that were drawn at random"),
        (False, None, "3 rows drawn at random from what was served on 2026-10-30 to 2026-11-01"),
        (
            False,
            "desk",
            "3 rows drawn at random from what was served on 2026-10-30 to 2026-11-01, 0 of a desk that was trained on before",
        ),
    ],
)
def test_it_is_said_which_rows_judge(first, group, said):
    loop = make_judged_loop().model_copy(update={"split": Split(group=group)})
    strata = ["seed", "seed", "random"] if first else ["random"] * 3
    times = [datetime(2026, 10, 30, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)]
    rows = rows_of(
        loop,
        "labels",
        [answered_row(n, "aaa", ts=ts, stratum=of) for n, (ts, of) in enumerate(zip(times, strata, strict=True))],
    )
    assert population(loop, rows, first=first) == said
    assert population(loop, rows.slice(0, 0), first=False) == "no row"
