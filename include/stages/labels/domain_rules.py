"""Domain rules: which labels an input makes impossible."""

import re
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from include.foundation.config.sections import Rule

LONGEST_SEARCH = 0.5  # seconds of this process's own time
PROBED = 2_000
NESTED = "a repetition within a repetition, such as (a+)+, or several of them one after another, can search for ever"


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
        Empty if the label breaks no rule. A search that takes half a second counts as broken, and says so.

    Examples
    --------
    >>> rule = Rule(name="oil", input="text", when="opec", deny=["earn"])
    >>> broken_rules([rule], {"input_text": "OPEC meets"}, "earn")
    ["rule oil: label 'earn' is not possible where text matches 'opec'"]
    """
    broken = []
    for rule in rules:
        if label not in rule.allow if rule.allow is not None else label in (rule.deny or []):
            matches = matches_input(row, rule.input, rule.when)
            if matches is None:
                broken.append(f"rule {rule.name}: searching {rule.input} for {rule.when!r} takes too long; {NESTED}")
            elif matches:
                broken.append(
                    f"rule {rule.name}: label {label!r} is not possible where {rule.input} matches {rule.when!r}"
                )
    return broken


def slow_searches(expressions: Mapping[str, str]) -> list[str]:
    """Return a problem for each regular expression that takes too long on some text made of its own letters.

    Parameters
    ----------
    expressions
        By the key of the loop file that has it.

    Examples
    --------
    >>> slow_searches({"labels.rules.0.when": "opec"})
    []
    """
    return [
        f"{key}: got {expression!r}, which takes too long on some texts: {NESTED}"
        for key, expression in expressions.items()
        if any(_searched(expression, text) is None for text in _hard_texts(expression))
    ]


def _hard_texts(expression: str) -> Iterator[str]:
    """Yield texts of one or two signs that the expression names, again and again, with an end that fits nothing."""
    letters = list(dict.fromkeys([*re.findall(r"[^\s\\^$.|?*+(){}\[\]]", expression), *"a0 -,"]))[:16]
    for letter in letters:
        for length in (40, PROBED):
            yield letter * length + "\x00"
            yield f"{letter} " * (length // 2) + "\x00"


def matches_input(row: Mapping[str, Any], name: str, expression: str) -> bool | None:
    """Return whether an expression is in an input, whatever the case; None if the search took too long.

    Parameters
    ----------
    row
        Has the key ``input_<name>``; missing or null is an empty text.
    name, expression
        The input and the regular expression.
    """
    return _searched(expression, str(row.get(f"input_{name}") or ""))


def _searched(expression: str, text: str) -> bool | None:
    try:
        with _at_most(LONGEST_SEARCH):
            return re.search(expression, text, re.IGNORECASE) is not None
    except _TooLongError:
        return None


class _TooLongError(Exception):
    pass


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Stop what is within after so many seconds of processor time.

    Airflow bounds a task by the other timer, of real time. Signals reach the main thread, so elsewhere nothing is stopped.
    """

    def stop(*_: object) -> NoReturn:
        raise _TooLongError

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
