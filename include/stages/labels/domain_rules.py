"""Domain rules: which labels an input makes impossible."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from include.foundation.config.sections import Rule


def broken_rules(rules: Sequence[Rule], row: Mapping[str, Any], label: str) -> list[str]:
    """Return a sentence for each rule that a label breaks.

    Parameters
    ----------
    rules
        Rules of the loop file.
    row
        Has the key ``input_<name>`` for each input; a missing or null input matches only what an empty text matches.
    label
        The label to check.

    Returns
    -------
    list of str
        Empty if the label breaks no rule.

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
