"""What the keys about tiers and high stakes must agree on, and what any search of an input needs."""

import re
from collections.abc import Iterator

from include.foundation.config.data_agreements import Disagreement, repeated, set_by_hand
from include.foundation.config.escalation_section import HighStakes, Tier
from include.foundation.config.loop_file import Loop
from include.foundation.errors import did_you_mean


def escalation_disagreements(loop: Loop) -> Iterator[Disagreement]:
    """Yield the keys that each disagreement rests on, the one to show first, and a sentence."""
    escalation = loop.escalation
    for name in set_by_hand(escalation, "audit_share", "suspected_errors", "high_stakes"):
        if not escalation.tiers:
            yield (f"escalation.{name}", "escalation.tiers"), "has no effect without tiers: nobody would be asked"
    for name in set_by_hand(escalation, "more_readers"):
        if escalation.tiers:
            yield (f"escalation.{name}", "escalation.tiers"), "has no effect with tiers: the next one is asked"
    for name in repeated(tier.name for tier in escalation.tiers):
        yield ("escalation.tiers",), f"two tiers are called {name}; reasons name them, so give each its own name"
    yield from _people("labeling", loop.tier(1))
    for number, tier in enumerate(escalation.tiers):
        yield from _tier(loop, f"escalation.tiers.{number}", tier)
    yield from _projects(loop)
    for number, stakes in enumerate(escalation.high_stakes):
        yield from _stakes(loop, f"escalation.high_stakes.{number}", stakes)


def _tier(loop: Loop, key: str, tier: Tier) -> Iterator[Disagreement]:
    yield from _people(key, tier)
    if tier.workteam_arn is not None and loop.labeling.job is None:
        yield (f"{key}.workteam_arn", "labeling.job"), "has no effect without labeling.job: no labeling job is created"
    if tier.project is not None and loop.labeling.backend != "label_studio":
        yield (f"{key}.project", "labeling.backend"), f"has no effect with backend: {loop.labeling.backend}"


def _people(key: str, tier: Tier) -> Iterator[Disagreement]:
    people = tier.people or []
    for name in repeated(people):
        yield (f"{key}.people",), f"must be unique; listed more than once: {name}"
    if people and len(set(people)) < tier.overlap:
        yield (f"{key}.overlap", f"{key}.people"), f"got {tier.overlap}, but people names {len(set(people))}"


def _projects(loop: Loop) -> Iterator[Disagreement]:
    titles = loop.tier_projects if loop.escalation.tiers else []
    for title in repeated(titles) if loop.labeling.backend == "label_studio" else ():
        yield ("escalation.tiers", "labeling.project"), f"two tiers have the project {title}; each needs its own"


def unsearchable(loop: Loop, key: str, name: str, expression: str) -> Iterator[Disagreement]:
    """Yield why an input cannot be searched for an expression.

    Parameters
    ----------
    loop
        Has the inputs.
    key
        Path of the section that names both, as ``input`` and ``when``.
    name, expression
        The input and the regular expression.
    """
    item = loop.inputs.get(name)
    if item is None:
        near = did_you_mean(name, loop.inputs)
        yield (f"{key}.input", "inputs"), f"input {name!r} is not one of inputs {sorted(loop.inputs)}{near}"
    elif item.type == "vector":
        yield (f"{key}.input", f"inputs.{name}.type"), f"{name} is a vector, which has no text to search"
    try:
        re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        yield (f"{key}.when",), f"got {expression!r}, expected a regular expression: {error}"


def _stakes(loop: Loop, key: str, stakes: HighStakes) -> Iterator[Disagreement]:
    if (stakes.input is None) != (stakes.when is None):
        yield (key, f"{key}.input", f"{key}.when"), f"{stakes.name}: give both input and when, or neither"
    elif stakes.input is not None and stakes.when is not None:
        yield from unsearchable(loop, key, stakes.input, stakes.when)
    elif stakes.classes is None:
        text = f"{stakes.name}: give input and when, or classes; without them every request would be at stake"
        yield (key, f"{key}.classes"), text
    for label in stakes.classes or []:
        if label not in loop.task.classes:
            near = did_you_mean(label, loop.task.classes)
            yield (f"{key}.classes", "task.classes"), f"{label!r} is not one of task.classes{near}"
