"""Great Expectations suites that a user may edit: one JSON file a loop, in GX's own form, else the one of the loop file."""

import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from include.config.loading import ROOT
from include.config.loop_file import Loop
from include.errors import ConfigError
from include.logs.expectations import Wanted, log_expectations

FOLDER = "FEEDBACK_LOOP_EXPECTATIONS_DIR"


def suite_path(loop: Loop) -> Path:
    """Return where the suite of a loop is, if it was written."""
    return Path(os.environ.get(FOLDER) or ROOT / "include" / "expectations") / f"{loop.name}.json"


def suite_of(loop: Loop) -> list[Wanted]:
    """Return the expectations on a loop's logs: of its suite file, or made from the loop file.

    Raises
    ------
    ConfigError
        If the file is no suite, with every problem and the nearest name.
    """
    path = suite_path(loop)
    if not path.exists():
        return log_expectations(loop)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["expectations"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f'{path}: no "expectations" in it, expected what `make suite` writes: {error}') from error
    problems: list[str] = []
    wanted = [item for place, one in enumerate(found, start=1) for item in _expectation(place, one, problems)]
    if problems:
        raise ConfigError(f"{path}: not a suite that Great Expectations can run", problems)
    return wanted


def write_suite(loop: Loop) -> Path:
    """Write the suite of the loop file where a user can edit it.

    Raises
    ------
    ConfigError
        If there is one already: edits are not overwritten.
    """
    path = suite_path(loop)
    if path.exists():
        raise ConfigError(f"{path}: is there already; remove it to start from the loop file again")
    items = [{"type": _snake(kind), "kwargs": arguments, "meta": {}} for kind, arguments in log_expectations(loop)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": f"{loop.name} logs", "expectations": items}, indent=2) + "\n", encoding="utf-8")
    return path


def _expectation(place: int, one: Any, problems: list[str]) -> list[Wanted]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    kind = one.get("type") if isinstance(one, dict) else None
    name = "".join(part.capitalize() for part in str(kind).split("_"))
    known = {_snake(found): found for found in dir(gx.expectations) if found.startswith("Expect")}
    if kind not in known:
        near = get_close_matches(str(kind), known, n=1)
        problems.append(f"expectation {place}: no type {kind!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return []
    try:
        getattr(gx.expectations, known[kind])(**one.get("kwargs", {}))
    except Exception as error:  # what GX raises is its own and pydantic's
        problems.append(f"expectation {place}, {name}: {str(error).splitlines()[-1]}")
        return []
    return [(known[kind], dict(one.get("kwargs", {})))]


def _snake(name: str) -> str:
    """Return the type of an expectation's class.

    Examples
    --------
    >>> _snake("ExpectColumnValuesToNotBeNull")
    'expect_column_values_to_not_be_null'
    """
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name).removeprefix("_")
