"""The people in a line: replaced by pseudonyms wherever it is kept, also where it is refused."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from include.foundation.lines.line_files import Line
from include.foundation.lines.values import is_blank, json_line, pseudonym, read_json, text_of

PLACEHOLDERS = ("0", "-1", "anonymous", "guest", "n/a", "nan", "nil", "none", "null", "undefined", "unknown")
ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
WITHHELD = "(not kept: column {} names a person, and the cells of this row cannot be told apart)"
QUOTED = r'"(?:[^"\\]|\\.)*"?' + r"|'(?:[^'\\]|\\.)*'?" + r'|\\+"[^"\\]*\\*"?'
VALUE = r"[{\[][^}\]]*[}\]]?|" + QUOTED + r"|[^\s,}\]\"']+"


def person_of(value: Any) -> str | None:
    """Return who an id stands for; None where it is blank, which is nobody.

    Examples
    --------
    >>> person_of(7), person_of("  "), person_of(None)
    ('7', None, None)
    """
    text = text_of(value)
    return None if text is None or is_blank(text) else text


@dataclass(frozen=True)
class People:
    """Replaces people by pseudonyms.

    Attributes
    ----------
    key
        Key of the pseudonyms.
    places
        Where a line names people: names from the outermost object to the innermost.
    """

    key: bytes = field(repr=False)
    places: Sequence[tuple[str, ...]]

    def pseudonym_of(self, value: Any) -> str | None:
        """Return the pseudonym of who an id stands for; None for nobody."""
        person = person_of(value)
        return None if person is None else pseudonym(person, self.key)

    def without_addresses(self, text: str) -> str:
        """Return a text with the pseudonym of each e-mail address in its place."""
        return ADDRESS.sub(lambda address: pseudonym(address[0], self.key), text) if "@" in text else text

    def masked(self, line: Line) -> Line:
        """Return a line without the people that it names, as the quarantine keeps it."""
        if line.record is not None:
            record = line.record
            for place in self.places:
                record = self._masked_at(record, place)
            raw = line.raw if record == line.record else json_line(record)
        elif withheld := [".".join(place) for place in self.places if {place[0], ".".join(place)} & set(line.columns)]:
            raw = WITHHELD.format(withheld[0])
        else:
            raw = self._masked_text(line.raw)
        problems = [problem._replace(reason=self.without_addresses(problem.reason)) for problem in line.problems]
        return replace(line, raw=self.without_addresses(raw), problems=problems)

    def _masked_at(self, record: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
        """Return a record with the pseudonym of the person at a place, which may be one flat name or lie in JSON text."""
        flat, masked = ".".join(place), dict(record)
        if masked.get(flat) is not None:
            masked[flat] = self.pseudonym_of(masked[flat])
        elif len(place) > 1:
            inner = masked.get(place[0])
            if isinstance(inner, Mapping):
                masked[place[0]] = self._masked_at(inner, place[1:])
            elif isinstance(inner, str):
                masked[place[0]] = self._masked_text(inner)
        return masked

    def _masked_text(self, text: str) -> str:
        """Return a text that is no JSON with the pseudonym of whatever stands behind the name of a place."""
        for name in {place[-1] for place in self.places}:
            text = re.sub(rf"""(["']{re.escape(name)}\\*["']\s*[:=]\s*)({VALUE})""", self._replaced, text)
        return text

    def _replaced(self, named: re.Match[str]) -> str:
        try:
            value = read_json(named[2])
        except ValueError:
            value = named[2].strip("\\\"'")
        person = (
            str(person_of(value) or "").encode("utf-8", "backslashreplace").decode()
        )  # it may be half a surrogate pair
        return named[1] + json.dumps(self.pseudonym_of(person))
