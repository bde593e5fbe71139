"""A rule says which labels are impossible, and an expression that would search for ever stops nothing."""

import threading

import pytest

from include.foundation.config.sections import Rule
from include.stages.labels import domain_rules
from include.stages.labels.domain_rules import broken_rules, slow_searches

ENDLESS = r"(a+)+$"
HARD = {"input_text": "a" * 60 + "!"}


def rule(when="opec", **sides):
    return Rule(name="oil", input="text", when=when, **(sides or {"deny": ["earn"]}))


@pytest.mark.parametrize(
    ("sides", "label", "is_broken"),
    [
        ({"deny": ["earn"]}, "earn", True), ({"deny": ["earn"]}, "acq", False),
        ({"allow": ["crude"]}, "earn", True), ({"allow": ["crude"]}, "crude", False),
    ],
)  # fmt: skip
def test_label_breaks_a_rule_where_the_text_matches_only(sides, label, is_broken):
    assert bool(broken_rules([rule(**sides)], {"input_text": "OPEC meets"}, label)) == is_broken
    assert broken_rules([rule(**sides)], {"input_text": "wheat"}, label) == []


def test_search_without_end_counts_as_broken_and_says_so_and_the_other_rules_are_judged(monkeypatch):
    monkeypatch.setattr(domain_rules, "LONGEST_SEARCH", 0.05)
    rules = [rule(ENDLESS), rule("a")]
    first, second = broken_rules(rules, HARD, "earn")
    assert "takes too long" in first
    assert "is not possible where text matches 'a'" in second
    assert broken_rules([rule(ENDLESS)], {"input_text": "aaa"}, "earn") != []


def test_rule_is_not_searched_for_where_it_allows_the_label_anyway(monkeypatch):
    monkeypatch.setattr(domain_rules, "LONGEST_SEARCH", 0.05)
    assert broken_rules([rule(ENDLESS)], HARD, "acq") == []


def test_timer_of_a_search_is_gone_afterwards_and_other_threads_do_without(monkeypatch):
    import signal

    broken_rules([rule()], HARD, "earn")
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(broken_rules([rule()], {"input_text": "opec"}, "earn")))
    thread.start()
    thread.join()
    assert len(answers[0]) == 1


@pytest.mark.parametrize("when", [r"(a+)+$", r"(\w+\s?)+$", r"(.*)*x", r"(x+x+)+y", r"^(.*?,){11}P", r".*.*.*="])
def test_expression_that_can_search_for_ever_is_found_before(monkeypatch, when):
    monkeypatch.setattr(domain_rules, "LONGEST_SEARCH", 0.1)
    [problem] = slow_searches({"labels.rules.0.when": "opec", "labels.rules.1.when": when})
    assert problem.startswith("labels.rules.1.when: got")


@pytest.mark.parametrize(
    "when", ["opec|barrel", r"\bopec\b", r"[^@]+@[^@]+\.com", r"^\s+|\s+$", "price.*oil", r"(foo|bar)+baz"]
)
def test_ordinary_expression_is_left_alone(monkeypatch, when):
    monkeypatch.setattr(domain_rules, "LONGEST_SEARCH", 20)
    assert slow_searches({"labels.rules.0.when": when}) == []
