import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import zeta

from include.foundation.decisions import Evaluation, GateVerdict, find, record
from include.foundation.errors import ConfigError
from include.foundation.statistics.e_values import BETS, bets_up_to
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.tables import LoopStore
from include.stages.gate.judging import FUTILE, judge
from tests.decision_builders import make_gate_verdict, make_scores
from tests.include.stages.evaluation.judged_builders import make_judged_store
from tests.include.stages.gate.verdict_builders import NO_SCORES, first_measured, measured, multiset, slice_with

FIRST_NEEDED = float(zeta(1.2)) / 0.05


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path, slices=["desk"])


def reasons_of(verdict: GateVerdict) -> str:
    return " ".join(verdict.reasons)


def test_judge_first_model_above_the_floor_is_promoted(store: LoopStore) -> None:
    verdict = judge(store, first_measured(0.51))
    assert (verdict.outcome, verdict.subject, verdict.k, verdict.round, verdict.nth) == ("promote", "k0", 0, 1, None)
    assert "the lower end is above the floor 0.50." in reasons_of(verdict)
    assert "0.800 (0.510 to 0.850, 200 rows)" in reasons_of(verdict)


@pytest.mark.parametrize("low", [0.5, 0.3, None])
def test_judge_first_model_not_above_the_floor_is_rejected(store: LoopStore, low: float | None) -> None:
    verdict = judge(store, first_measured(low))
    assert (verdict.outcome, verdict.k) == ("reject", 0)
    told = "no held-out label to judge it on" if low is None else "the lower end is not above the floor 0.50."
    assert told in reasons_of(verdict)


def beside_what_was_served(served: float, score: Estimate, wins: int, losses: int, **changes: Any) -> Evaluation:
    scores = make_scores(champion=Estimate(served, served - 0.1, served + 0.1, 60, 60.0), challenger=score)
    return measured(
        "k0", champion_version=None, scores=scores, disagreement=multiset(wins, losses), share=0.4, **changes
    )


@pytest.mark.parametrize(
    ("served", "score", "wins", "losses", "outcome"),
    [
        pytest.param(0.18, Estimate(0.52, 0.4, 0.64, 60, 60.0), 40, 6, "promote", id="poor and beaten"),
        pytest.param(0.9, Estimate(0.8, 0.7, 0.9, 60, 60.0), 20, 40, "reject", id="good and not beaten"),
        pytest.param(0.5, Estimate(0.8, 0.7, 0.9, 60, 60.0), 9, 2, "label_more", id="undecided"),
        pytest.param(0.18, Estimate(0.36, 0.25, 0.47, 60, 60.0), 40, 6, "reject", id="shown to be below the floor"),
    ],
)
def test_judge_first_model_must_be_better_than_what_was_served_and_not_below_the_floor(
    store: LoopStore, served: float, score: Estimate, wins: int, losses: int, outcome: str
) -> None:
    verdict = judge(store, beside_what_was_served(served, score, wins, losses))
    assert (verdict.outcome, verdict.nth, verdict.champion_version) == (outcome, 1, None)
    assert f"right {wins} times and what was served before the loop's first model {losses} times" in reasons_of(verdict)
    assert verdict.needed == pytest.approx(math.pi**2 / 6 / 0.05)
    assert judge(store, measured("k1")).needed == pytest.approx(FIRST_NEEDED)  # it took nothing from later ones
    below = "First model: it is shown to score below the floor 0.50." in reasons_of(verdict)
    assert below is (score.high < 0.5)


def test_judge_first_model_spends_no_error_budget(store: LoopStore) -> None:
    judge(store, first_measured(0.7))
    assert judge(store, measured("k1")).nth == 1


def test_judge_first_models_in_a_row_need_ever_wider_intervals_above_the_floor(store: LoopStore) -> None:
    verdicts = [judge(store, first_measured(0.51, f"k{n}")) for n in range(4)]
    assert [verdict.outcome for verdict in verdicts] == ["promote", "reject", "reject", "reject"]
    assert "0.430 at attempt 2, is not above the floor 0.50" in reasons_of(verdicts[1])
    assert judge(store, first_measured(0.72, "k9")).outcome == "promote"


def test_judge_first_model_again_beside_a_champion_is_judged_as_a_challenger(store: LoopStore) -> None:
    judge(store, first_measured(0.7, "k0"))
    verdict = judge(store, measured("k0", askable=0))
    assert (verdict.outcome, verdict.nth) == ("reject", 1)


def test_judge_clear_evidence_is_promoted_with_numbers_a_person_can_read(store: LoopStore) -> None:
    verdict = judge(store, measured(random=multiset(3, 1, 100), disagreement=multiset(30, 4)))
    e_value = float(np.mean((1 + BETS) ** 33 * (1 - BETS) ** 5))
    assert verdict.outcome == "promote"
    assert verdict.e_value == pytest.approx(e_value)
    assert verdict.needed == pytest.approx(FIRST_NEEDED)
    for part in (
        "right 33 times",
        "champion 5 times",
        f"e-value {e_value:.3g}",
        "challenger 1 of",
        "error budget 0.05",
    ):
        assert part in reasons_of(verdict)


def test_judge_evidence_on_the_brink_is_decided_by_the_level(store: LoopStore) -> None:
    wins = next(n for n in range(100) if np.mean((1 + BETS) ** n) >= FIRST_NEEDED)
    assert judge(store, measured("k1", disagreement=multiset(wins - 1))).outcome == "label_more"
    assert judge(store, measured("k1", disagreement=multiset(wins), dataset="d2")).outcome == "promote"


@pytest.mark.parametrize(
    ("guarantee", "first", "exponent"), [("share", FIRST_NEEDED, 1.2), ("never", math.pi**2 / (6 * 0.05), 2)]
)
def test_judge_later_challengers_need_more_and_keep_their_number(
    tmp_path: Path, guarantee: str, first: float, exponent: float
) -> None:
    store = make_judged_store(tmp_path, guarantee=guarantee)
    verdicts = [judge(store, measured(f"k{n}", askable=0)) for n in (1, 2, 3)]
    assert [verdict.nth for verdict in verdicts] == [1, 2, 3]
    assert [verdict.needed for verdict in verdicts] == pytest.approx([n**exponent * first for n in (1, 2, 3)])
    again = judge(store, measured("k2", askable=0, dataset="d2"))
    assert (again.nth, again.level) == (2, verdicts[1].level)
    assert judge(store, measured("k4", askable=0)).nth == 4


@pytest.mark.parametrize(("guarantee", "times"), [("share", 2), ("never", 1)])
def test_judge_after_a_promotion_twice_the_level_where_the_share_of_wrong_ones_is_bounded(
    tmp_path: Path, guarantee: str, times: int
) -> None:
    store = make_judged_store(tmp_path, guarantee=guarantee)
    judge(store, measured("k1", disagreement=multiset(40)))
    verdict = judge(store, measured("k2", champion_version="2", askable=0))
    assert verdict.level is not None
    assert verdict.spent is not None
    assert verdict.level / verdict.spent == pytest.approx(times)


def test_judge_goes_on_from_what_verdicts_of_earlier_versions_spent(store: LoopStore) -> None:
    earlier = {f"old-{n}": 0.05 * 6 / (math.pi * n) ** 2 for n in range(1, 6)}
    for nth, (key, level) in enumerate(earlier.items(), start=1):
        record(store, make_gate_verdict(key, "reject", nth=nth, level=level, needed=1 / level, champion_version="1"))
    verdict = judge(store, measured("new", askable=0))
    assert verdict.nth == 6
    assert verdict.level == pytest.approx((0.05 - sum(earlier.values())) * 6**-1.2 / zeta(1.2, 6))


def test_judge_budget_that_was_larger_once_and_is_used_up_is_refused(tmp_path: Path) -> None:
    judge(make_judged_store(tmp_path, error_budget=0.9), measured("k1", askable=0))
    with pytest.raises(ConfigError, match=r"gate\.error_budget 0\.01"):
        judge(make_judged_store(tmp_path, error_budget=0.01), measured("k2"))


@pytest.mark.parametrize(
    ("evidence", "k"),
    [
        ({}, 40),
        ({"askable": 3, "disagreement": multiset(9)}, 3),
        ({"disagreement": multiset(14, 8)}, 40),
        ({"disagreement": multiset(8)}, 7),
    ],
    ids=["no lead", "few left", "slight lead", "nearly there"],
)
def test_judge_undecided_asks_within_bounds(tmp_path: Path, evidence: dict[str, Any], k: int) -> None:
    store = make_judged_store(tmp_path, max_labels_per_round=40)
    verdict = judge(store, measured(**evidence))
    assert (verdict.outcome, verdict.k) == ("label_more", k)


def test_judge_undecided_asks_for_half_as_many_again_as_are_expected_to_decide(tmp_path: Path) -> None:
    """Half of the time the expected number is not enough, and each round costs people days."""
    store = make_judged_store(tmp_path, max_labels_per_round=400, max_rounds=1)
    verdict = judge(store, measured(disagreement=multiset(9, 3)))
    assert verdict.needed is not None
    assert verdict.e_value is not None
    missing = math.log(verdict.needed) - math.log(verdict.e_value)
    share = 10 / 14
    growth = max(share * np.log1p(BETS) + (1 - share) * np.log1p(-BETS))
    assert verdict.outcome == "label_more"
    assert verdict.k == math.ceil(1.5 * math.ceil(missing / growth))


def test_judge_asks_for_more_rows_where_groups_make_each_weigh_less(tmp_path: Path) -> None:
    """In a window whose largest group has eight rows of disagreement, a bet on two rows of a group weighs a quarter."""
    asked = []
    for weight, largest in ((1.0, 1), (0.25, 8)):
        store = make_judged_store(tmp_path / f"{largest}", max_labels_per_round=400, max_rounds=1)
        evaluation = measured(disagreement=multiset(30, 10, weight=weight))
        window = evaluation.window.model_copy(update={"largest_group": largest, "undrawn": 500})
        verdict = judge(store, evaluation.model_copy(update={"window": window}))
        missing = math.log(verdict.needed or 0) - math.log(verdict.e_value or 0)
        share = 31 / 42
        bets = weight * bets_up_to(largest)
        growth = max(share * np.log1p(bets[bets < 1]) + (1 - share) * np.log1p(-bets[bets < 1]))
        assert verdict.k == math.ceil(1.5 * math.ceil(missing / growth) * weight * largest)
        asked.append(verdict.k)
    assert asked[1] > asked[0]


def test_judge_close_to_what_is_needed_asks_for_a_part_of_what_is_known(tmp_path: Path) -> None:
    """Ten labels more would be expected to do, again and again: chance takes back what few of them add."""
    store = make_judged_store(tmp_path, max_labels_per_round=100, max_labels=1000, max_rounds=10)
    verdict = judge(store, measured(disagreement=multiset(150, 97)))
    assert verdict.e_value is not None
    assert verdict.needed is not None
    assert 1 < verdict.needed / verdict.e_value < 3
    assert (verdict.outcome, verdict.k) == ("label_more", 247 // 8)


def test_judge_one_candidate_left_is_asked_about(store: LoopStore) -> None:
    verdict = judge(store, measured(random=multiset(9, 0, 50), askable=1))
    assert (verdict.outcome, verdict.k) == ("label_more", 1)


def test_judge_nothing_left_to_ask_is_rejected(store: LoopStore) -> None:
    verdict = judge(store, measured(random=multiset(2, 1, 50), askable=0))
    assert verdict.outcome == "reject"
    assert "no row is left" in reasons_of(verdict)


def test_judge_champion_shown_to_be_better_is_rejected_before_more_labels(store: LoopStore) -> None:
    verdict = judge(store, measured(disagreement=multiset(1, 12)))
    assert verdict.outcome == "reject"
    assert "more labels would not help" in reasons_of(verdict)


def test_judge_labels_that_may_still_be_asked_for_would_hardly_be_enough_is_rejected(tmp_path: Path) -> None:
    outcomes = {}
    for losses in range(9, 40):
        verdict = judge(make_judged_store(tmp_path / str(losses)), measured(disagreement=multiset(20, losses)))
        outcomes[verdict.outcome] = verdict
        if verdict.outcome == "reject":
            break
    assert outcomes["reject"].chance < FUTILE <= outcomes["label_more"].chance
    assert f"with a chance of {outcomes['reject'].chance:.1%}, and below {FUTILE:.1%} none are asked for" in reasons_of(
        outcomes["reject"]
    )
    assert f"with a chance of {outcomes['label_more'].chance:.0%}" in reasons_of(outcomes["label_more"])


def test_judge_fewer_labels_that_may_be_asked_for_are_sooner_hopeless(tmp_path: Path) -> None:
    rows: dict[str, Any] = {"disagreement": multiset(20, 14)}
    few = judge(make_judged_store(tmp_path / "few", max_labels=30), measured(**rows))
    many = judge(make_judged_store(tmp_path / "many"), measured(**rows))
    assert (few.outcome, many.outcome) == ("reject", "label_more")


def test_judge_labels_asked_before_count_towards_the_most(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, max_labels=60)
    rows: dict[str, Any] = {"disagreement": multiset(18, 5)}
    asked = [judge(store, measured(**rows, dataset=f"d{n}")) for n in range(4)]
    assert sum(verdict.k for verdict in asked) == 60
    assert "after 60 labels" in reasons_of(asked[-1])


def test_judge_margin_that_disagreement_cannot_reach_is_said_without_asking(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, margin=0.05)
    verdict = judge(store, measured(share=0.04))
    assert (verdict.outcome, verdict.k) == ("reject", 0)
    assert "the two disagree on 4.0% of the logged rows" in reasons_of(verdict)
    assert "better by more than 5.0%" in reasons_of(verdict)
    assert judge(store, measured("k2", share=0.2)).outcome == "label_more"


def test_judge_models_that_disagree_nowhere_are_told_apart_by_no_label(store: LoopStore) -> None:
    assert "cannot" in reasons_of(judge(store, measured(share=0.0, askable=0)))


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param({"disagreement": multiset(30, 4)}, id="promoted"),
        pytest.param({"disagreement": multiset(61, 21), "slices": [slice_with("us", 1, 20)]}, id="worse on a slice"),
        pytest.param({"disagreement": multiset(1, 12)}, id="shown to fail"),
        pytest.param({"askable": 0}, id="nothing left"),
    ],
)
def test_judge_decided_asks_for_no_label(store: LoopStore, evidence: dict[str, Any]) -> None:
    verdict = judge(store, measured(**evidence))
    assert (verdict.outcome != "label_more", verdict.k) == (True, 0)


def test_judge_undecided_after_every_round_is_rejected(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, max_rounds=2)
    verdicts = [judge(store, measured(disagreement=multiset(5 + n, 4 + n), dataset=f"d{n}")) for n in range(3)]
    assert [verdict.outcome for verdict in verdicts] == ["label_more", "label_more", "reject"]
    assert [verdict.round for verdict in verdicts] == [1, 2, 3]
    assert "after 2 rounds" in reasons_of(verdicts[-1])
    assert verdicts[-1].k == 0


def test_judge_same_evaluation_again_is_the_same_verdict(store: LoopStore) -> None:
    first, second = judge(store, measured()), judge(store, measured())
    assert first.evidence_digest == second.evidence_digest
    assert len(find(store, GateVerdict, "k1")) == 1


def test_judge_evaluation_repeated_without_new_labels_is_no_new_round(store: LoopStore) -> None:
    first = judge(store, measured(askable=500))
    second = judge(store, measured(askable=440))
    assert first.evidence_digest == second.evidence_digest
    assert judge(store, measured(askable=440, dataset="d2")).round == 2


def test_judge_another_champion_meanwhile_is_judged_anew_at_a_level_of_its_own(store: LoopStore) -> None:
    first = [judge(store, measured(dataset=f"d{n}")) for n in range(2)]
    second = judge(store, measured(champion_version="2"))
    assert [verdict.nth for verdict in first] == [1, 1]
    assert (second.champion_version, second.nth, second.round) == ("2", 2, 3)
    assert second.level < first[0].level


def test_judge_rounds_against_another_champion_do_not_count(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, max_rounds=1)
    verdicts = [
        judge(store, measured(champion_version=version, dataset=f"d{version}{n}")) for version in "12" for n in "ab"
    ]
    assert [verdict.outcome for verdict in verdicts] == ["label_more", "reject", "label_more", "reject"]


def test_judge_no_held_out_row_is_never_taken_for_a_first_model(store: LoopStore) -> None:
    assert judge(store, measured(scores=NO_SCORES)).outcome == "label_more"


def test_judge_slice_shown_to_be_worse_rejects_a_better_challenger(store: LoopStore) -> None:
    slices = [slice_with("eu", 60, 1), slice_with("us", 1, 20)]
    verdict = judge(store, measured(disagreement=multiset(61, 21), slices=slices))
    assert verdict.outcome == "reject"
    assert "Shown to be worse on: desk = us." in reasons_of(verdict)


def test_judge_small_slice_is_inconclusive_and_listed(store: LoopStore) -> None:
    slices = [slice_with("eu", 50, 2), slice_with("us", 1, 3), slice_with("asia")]
    verdict = judge(store, measured(disagreement=multiset(51, 5), slices=slices))
    assert verdict.outcome == "promote"
    verdict_on = {part.value: part.verdict for part in verdict.slices}
    assert verdict_on == {"eu": "not shown to be worse", "us": "inconclusive", "asia": "inconclusive"}
    assert "Inconclusive on slices with few differing rows: desk = us, desk = asia." in reasons_of(verdict)


SMALL = (slice_with("eu", 50, 2), slice_with("us", 1, 3))


@pytest.mark.parametrize(
    ("askable", "outcome", "k"),
    [
        pytest.param(400, "label_more", 100, id="many left"),
        pytest.param(3, "label_more", 3, id="few left"),
        (0, "reject", 0),
    ],
)
def test_judge_small_slice_blocks_where_the_loop_file_says_so(
    tmp_path: Path, askable: int, outcome: str, k: int
) -> None:
    store = make_judged_store(tmp_path, slices=["desk"], inconclusive_slices="block")
    verdict = judge(store, measured(disagreement=multiset(51, 5), slices=SMALL, askable=askable))
    assert (verdict.outcome, verdict.k) == (outcome, k)
    assert "Inconclusive on slices with few differing rows: desk = us." in reasons_of(verdict)


def test_judge_small_slice_that_stays_small_is_rejected_with_the_reason(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, slices=["desk"], inconclusive_slices="block", max_rounds=1)
    rows: dict[str, Any] = {"disagreement": multiset(51, 5), "slices": SMALL}
    verdicts = [judge(store, measured(**rows, dataset=f"d{n}")) for n in range(2)]
    assert [verdict.outcome for verdict in verdicts] == ["label_more", "reject"]
    assert "Shown to be better overall, but not to be no worse on every slice after 1 rounds" in reasons_of(verdicts[1])


def test_judge_slice_with_enough_rows_does_not_block(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, slices=["desk"], inconclusive_slices="block")
    enough = [slice_with("eu", 50, 2), slice_with("us", 6, 4)]
    assert judge(store, measured(disagreement=multiset(56, 6), slices=enough)).outcome == "promote"


def test_judge_many_slices_demand_more_of_each(store: LoopStore) -> None:
    losses = next(n for n in range(100) if np.mean((1 + BETS) ** n) >= 1 / 0.05)
    bad = slice_with("bad", 0, losses)
    alone = judge(store, measured("k1", disagreement=multiset(60, losses), slices=[bad]))
    among = judge(
        store, measured("k2", disagreement=multiset(60, losses), slices=[bad, *(slice_with(str(n)) for n in range(15))])
    )
    assert alone.slices[0].verdict == "worse"
    assert among.slices[0].verdict != "worse"


def test_judge_non_inferior_promotes_equal_models_on_enough_random_rows(tmp_path: Path) -> None:
    equal: dict[str, Any] = {"random": multiset(4, 4, 400), "share": 0.02}
    tolerant = make_judged_store(tmp_path / "tolerant", rule="non_inferior", margin=0.05)
    strict = make_judged_store(tmp_path / "strict")
    assert judge(tolerant, measured(**equal)).outcome == "promote"
    assert judge(strict, measured(**equal)).outcome == "label_more"


def test_judge_non_inferior_rows_of_little_weight_do_not_count_as_whole_ones(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, rule="non_inferior", margin=0.05)
    light, heavy = multiset(0, 0, 400, weight=0.01), multiset(0, 0, 400)
    assert judge(store, measured("light", random=light)).e_value < 5
    assert judge(store, measured("heavy", random=heavy)).e_value > 1000


def test_judge_margin_over_all_rows_is_a_larger_one_where_they_disagree(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, margin=0.05)
    disagreement = multiset(40, 10)  # 0.6 of a disagreement: 0.06 of all rows at a share of 0.1, 0.03 at 0.05
    far, near = (judge(store, measured(f"k{share}", disagreement=disagreement, share=share)) for share in (0.5, 0.05))
    assert (far.outcome, near.outcome) == ("promote", "reject")


@pytest.mark.parametrize("rule", ["superior", "non_inferior"])
def test_judge_margin_that_no_disagreement_can_reach_is_the_largest_difference_there_is(
    tmp_path: Path, rule: str
) -> None:
    store = make_judged_store(tmp_path, rule=rule, margin=0.05)
    rows: dict[str, Any] = {"random": multiset(5, 2, 90), "disagreement": multiset(40, 10)}
    beyond, reached = (judge(store, measured(f"k{share}", **rows, share=share)) for share in (0.01, 0.05))
    assert beyond.e_value == pytest.approx(reached.e_value)


def test_judge_margin_with_a_census_of_no_disagreement_counts_as_over_all_rows(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path, margin=0.2)
    rows: dict[str, Any] = {"disagreement": multiset(40, 10)}
    everywhere, nowhere = (judge(store, measured(f"k{share}", **rows, share=share)) for share in (1.0, 0.0))
    assert nowhere.e_value == pytest.approx(everywhere.e_value)


def test_judge_margin_is_counted_in_the_unit_of_the_score(tmp_path: Path) -> None:
    rows: dict[str, Any] = {"random": multiset(5, 2, 90), "disagreement": multiset(40, 10)}
    fifth = judge(make_judged_store(tmp_path / "one", margin=0.05), measured(**rows, score_unit=0.2))
    plain = judge(make_judged_store(tmp_path / "two", margin=0.01), measured(**rows))
    assert fifth.e_value == pytest.approx(plain.e_value)


def test_judge_verdict_names_what_it_rests_on(store: LoopStore) -> None:
    evaluation = measured(disagreement=multiset(3, 2))
    recorded = find(store, GateVerdict, judge(store, evaluation).subject)[-1]
    assert recorded.evaluation == evaluation.evidence_digest
    assert {"run_id", "dataset", "champion_version", "scores", "level", "round", "k"} <= recorded.evidence.keys()
    assert recorded.level * recorded.needed == pytest.approx(1)
    json.dumps(recorded.evidence, allow_nan=False)


def test_judge_overwhelming_evidence_stays_json(store: LoopStore) -> None:
    verdict = judge(store, measured(disagreement=multiset(10**6)))
    assert verdict.outcome == "promote"
    json.dumps(verdict.evidence, allow_nan=False)


def test_reasons_say_what_a_margin_asks_for_where_the_two_differ(tmp_path: Path) -> None:
    """Right 40 times and wrong 10 is not enough: two points over all rows are many where the two rarely differ."""
    verdict = judge(make_judged_store(tmp_path, margin=0.02), measured(disagreement=multiset(40, 10), share=0.03))
    assert ", margin 0.02: by +0.67 in the mean of these rows)." in reasons_of(verdict)
    plain = judge(make_judged_store(tmp_path / "plain"), measured(disagreement=multiset(40, 10)))
    assert "margin" not in plain.reasons[0]
