"""How often annotators are right: coverage, who is sloppy, who changed, and who is unknown."""

import numpy as np
import pytest

from include.foundation.statistics.annotator_quality import FEWEST_ANSWERS, annotator_quality
from include.foundation.statistics.latent_classes import dawid_skene
from include.foundation.statistics.votes import Votes
from tests.include.foundation.statistics.crowds import say


def crowd(seed, accuracies, items=600, each=3, classes=4, drop=0.0):
    """Answers of a crowd whose first annotator is right less often by ``drop`` in the last third of the items."""
    generator, people = np.random.default_rng([seed, items]), len(accuracies)
    truth = generator.integers(0, classes, items)
    who = np.argsort(generator.random((items, people)), axis=1)[:, :each].ravel()
    item = np.repeat(np.arange(items), each)
    chance = np.asarray(accuracies)[who] - drop * ((who == 0) & (item >= items * 2 / 3))
    wrong = (truth[item] + generator.integers(1, classes, item.size)) % classes
    label = np.where(generator.random(item.size) < chance, truth[item], wrong)
    return Votes(item, who, label, items, people, classes)


def quality(votes):
    return annotator_quality(votes, dawid_skene(votes).probabilities, votes.item.astype(float))


def test_interval_covers_the_accuracy():
    covered = []
    for seed in range(60):
        accuracies = np.random.default_rng([seed, 1]).beta(17, 3, 6)
        found = quality(crowd(seed, accuracies))
        covered += [
            each.accuracy.low <= true <= each.accuracy.high for each, true in zip(found, accuracies, strict=True)
        ]
    say(f"{np.mean(covered):.3f} of {len(covered)} covered")
    assert 0.92 < np.mean(covered) < 0.995


def test_who_is_right_less_often_than_the_team_is_sloppy():
    verdicts = [
        [each.verdict for each in quality(crowd(seed, [0.55, 0.9, 0.9, 0.85, 0.9, 0.85]))] for seed in range(20)
    ]
    assert sum(own[0] == "sloppy" for own in verdicts) >= 19
    assert {each for own in verdicts for each in own[1:]} <= {"steady", "better"}


def test_who_changes_is_found_and_who_does_not_is_left_alone():
    same = [each.verdict for seed in range(60) for each in quality(crowd(seed, [0.9, 0.85, 0.85, 0.9]))]
    dropped = [quality(crowd(seed, [0.9, 0.85, 0.85, 0.9], drop=0.3))[0] for seed in range(20)]
    risen = [quality(crowd(seed, [0.6, 0.85, 0.85, 0.9], drop=-0.35))[0].verdict for seed in range(20)]
    say(f"{same.count('worse')} and {same.count('better')} of {len(same)} by chance")
    assert same.count("worse") + same.count("better") <= 3
    assert sum(each.verdict == "worse" for each in dropped) >= 18
    assert risen.count("better") >= 15
    assert all(each.lately.value < each.before.value for each in dropped)


@pytest.mark.parametrize(("answers", "verdict"), [(FEWEST_ANSWERS - 1, "unknown"), (FEWEST_ANSWERS, "steady")])
def test_few_answers_are_unknown(answers, verdict):
    item = np.tile(np.arange(answers), 2)
    votes = Votes(item, np.repeat([0, 1], answers), item % 3, answers, 2, 3)
    found = quality(votes)[0]
    assert (found.verdict, found.answers, found.change.value) == (verdict, answers, None)


def test_only_answers_are_compared_with_nobody():
    """Who answers alone is always right by their own account: nothing is said of them."""
    votes = Votes(np.arange(100), np.zeros(100, dtype=np.int64), np.arange(100) % 3, 100, 1, 3)
    (found,) = quality(votes)
    assert (found.verdict, found.answers) == ("unknown", 0)


def test_nobody():
    nothing = np.array([], dtype=np.int64)
    assert quality(Votes(nothing, nothing, nothing, 0, 0, 3)) == []
