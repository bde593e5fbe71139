"""Whose answers count in a tier: its own people's, and nobody's who answered in a tier before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import Any

from include.foundation.config.escalation_section import FIRST_TIER, Lead
from include.foundation.lines.line_files import Line
from include.foundation.lines.people import People
from include.foundation.lines.values import Problem, json_line, pseudonym
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backend_contract import Answer


def outsiders_answers(
    store: LoopStore, answers: Sequence[Answer], requests: Mapping[str, Mapping[str, Any]], people: People
) -> list[tuple[Answer, Line]]:
    """Return the answers that do not count, each with the line for the quarantine that says why.

    A second reader is somebody else: who answered in a tier before has had a say already.

    Parameters
    ----------
    store
        Tables of the loop, with the answers that are collected.
    answers
        New answers.
    requests
        Rows of ``requests`` by id: ``tier`` and ``escalates``.
    people
        Pseudonyms of annotators.
    """
    later = [answer for answer in answers if requests[answer.request_id]["tier"] > FIRST_TIER]
    if not later and store.loop.labeling.people is None:
        return []
    before = _annotators_before(store, {answer.request_id for answer in later}, requests)
    new: defaultdict[str, set[str]] = defaultdict(set)
    for answer in answers:
        new[answer.request_id].add(pseudonym(answer.annotator, people.key))
    outsiders = []
    for answer in answers:
        chain = _tiers_before(answer.request_id, requests)
        earlier = set().union(*(before[name] | new[name] for name in chain))
        if why := _why_not(store, answer, requests[answer.request_id]["tier"], earlier, people):
            outsiders.append((answer, _line(answer, why)))
    return outsiders


def _tiers_before(request_id: str, requests: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the requests of the tiers before, the last first."""
    before = requests[request_id]["escalates"]
    return [] if before is None else [before, *_tiers_before(before, requests)]


def _annotators_before(
    store: LoopStore, asked: Set[str], requests: Mapping[str, Mapping[str, Any]]
) -> defaultdict[str, set[str]]:
    chains = {name for request_id in asked for name in _tiers_before(request_id, requests)}
    rows = annotators_answers(store, ["request_id", "annotator"], [("request_id", "in", sorted(chains))])
    annotators: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows.to_pylist():
        annotators[row["request_id"]].add(row["annotator"])
    return annotators


def _why_not(store: LoopStore, answer: Answer, number: int, earlier: Set[str], people: People) -> Problem | None:
    tier, annotator = store.loop.tier(number), pseudonym(answer.annotator, people.key)
    if isinstance(tier, Lead):
        return None
    if annotator in earlier:
        why = "the annotator answered in a tier before, and a second reader is somebody else"
        return Problem("answered_before", f"annotator: tier {tier.name} was asked, and {why}")
    if tier.people is not None and annotator not in {pseudonym(name, people.key) for name in tier.people}:
        return Problem(
            "not_of_the_tier", f"annotator: tier {tier.name} was asked, and the annotator is not among its people"
        )
    return None


def _line(answer: Answer, problem: Problem) -> Line:
    record = {
        "request_id": answer.request_id,
        "trace_id": answer.trace_id,
        "annotator": answer.annotator,
        "label": answer.label,
        "created_at": answer.created_at.isoformat(),
        "comment": answer.comment,
    }
    return Line(number=None, record=record, problems=[problem], raw=json_line(record))
