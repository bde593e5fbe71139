"""Scores of an evaluation are powered by the confidence with which rows were served, and its evidence is not."""

import pytest

from include.stages.evaluation.comparing import evaluate
from tests.include.stages.evaluation.judged_builders import challenger_of, champion_of, make_judged_store
from tests.served_builders import published, store_served_day


def measured(folder, *, counted=True):
    folder.mkdir(exist_ok=True)
    store = make_judged_store(folder, slices=["desk"])
    truth = store_served_day(store, counted=counted)
    dataset, name = published(store)
    return evaluate(store, dataset, name, champion_of(store.loop), challenger_of(store.loop)), truth


@pytest.fixture
def both(tmp_path):
    return measured(tmp_path / "counted"), measured(tmp_path / "bare", counted=False)[0]


def test_scores_and_recalls_and_slices_are_narrower_and_nearer(both):
    (powered, truth), bare = both
    for name in ("champion", "challenger"):
        found, plain = powered.scores.by_name()[name], bare.scores.by_name()[name]
        assert plain.gain == 1
        assert found.gain > 1.4
        assert found.high - found.low < 0.85 * (plain.high - plain.low)
    champion = powered.scores.champion
    assert champion.low < truth < champion.high
    (part,) = powered.slices
    assert part.scores.champion == powered.scores.champion  # all rows are of the one desk
    recalls = [powered.per_class[name].recall for name in "abc"]
    assert max(recall.gain for recall in recalls) > 1.05
    assert all(bare.per_class[name].recall.rows == powered.per_class[name].recall.rows for name in "abc")


def test_evidence_and_the_paired_difference_are_of_labels_alone(both):
    (powered, _), bare = both
    assert powered.scores.difference == bare.scores.difference
    assert powered.differences == bare.differences
    assert powered.calibration == bare.calibration


def test_gain_is_said_in_words(both):
    (powered, _), bare = both
    champion, challenger = powered.scores.champion, powered.scores.challenger
    assert powered.scores.gain == (
        "With the confidence in all rows that were served, these labels tell as much of the champion as "
        f"{300 * champion.gain:.0f} would alone and of the challenger as {300 * challenger.gain:.0f} would alone."
    )
    assert bare.scores.gain == ""
