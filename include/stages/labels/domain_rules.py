"""Domain rules: labels that an input makes impossible."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from include.foundation.config.sections import Rule


def broken_rules(rules: Sequence[Rule], row: Mapping[str, Any], label: str) -> list[str]:
    """Return what a label breaks, in words; empty if nothing.

    Parameters
    ----------
    rules
        Rules of the loop file.
    row
        Has ``input_<name>`` for each input.
    label
        The label to check.

    Examples
    --------
    >>> rule = Rule(name="oil", input="text", when="opec", deny=["earn"])
    >>> broken_rules([rule], {"input_text": "OPEC meets"}, "earn")
    ["rule oil: label 'earn' is not possible where text matches 'opec'"]
    """
    return [
        f"rule {rule.name}: label {label!r} is not possible where {rule.input} matches {rule.when!r}"
        for rule in rules
        if re.search(rule.when, str(row.get(f"input_{rule.input}") or ""), re.IGNORECASE)
        and (label not in rule.allow if rule.allow is not None else label in (rule.deny or []))
    ]
