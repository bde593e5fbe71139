"""The suite that judges a loop's logs, in the JSON of Great Expectations: from a file that people may edit, or generated."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.foundation.config.loading import ROOT
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, did_you_mean
from include.foundation.quality.expectations import Suite, great_expectations, suite_of
from include.foundation.store.schemas import schemas
from include.foundation.taxonomy import Taxonomy

FOLDER_VARIABLE = "FEEDBACK_LOOP_EXPECTATIONS_DIR"
KEYS = ("type", "kwargs", "meta", "severity", "notes", "description", "id")
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")


def suite_path(loop: Loop) -> Path:
    """Return where a loop's suite is, if it was written: in ``include/expectations`` or where `FOLDER_VARIABLE` points."""
    return Path(os.environ.get(FOLDER_VARIABLE) or ROOT / "include" / "expectations") / f"{loop.name}.json"


def logs_suite(loop: Loop) -> Suite:
    """Return the suite that judges a loop's logs: the one in its file, or `generated_suite` if there is no file.

    Raises
    ------
    ConfigError
        With every problem of the file; an unknown expectation, argument or column comes with the nearest known one.
    """
    path = suite_path(loop)
    return read_suite(loop, path) if path.exists() else generated_suite(loop)


def generated_suite(loop: Loop) -> dict[str, Any]:
    """Return the suite that follows from what the loop file says of predictions."""
    required = ("trace_id", "ts", "model_version", "predicted")
    expectations: list[tuple[str, dict[str, Any]]] = [
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        *(("expect_column_values_to_not_be_null", {"column": name}) for name in required),
        ("expect_column_values_to_be_unique", {"column": "trace_id"}),
        (
            "expect_column_values_to_be_in_set",
            {"column": "predicted", "value_set": sorted(Taxonomy.of(loop.task).meanings)},
        ),
        ("expect_column_values_to_be_between", {"column": "confidence", "min_value": 0, "max_value": 1}),
    ]
    for name, field in loop.inputs.items():
        column = f"input_{name}"
        if field.required:
            expectations.append(("expect_column_values_to_not_be_null", {"column": column}))
        limits = {"min_value": field.minimum, "max_value": field.maximum}
        bounds = {key: value for key, value in limits.items() if value is not None}
        if field.type == "numeric" and bounds:
            expectations.append(("expect_column_values_to_be_between", {"column": column, **bounds}))
    return suite_of(f"{loop.name} logs", expectations)


def write_suite(loop: Loop, *, overwrite: bool = False) -> Path:
    """Write `generated_suite` to a file that people may edit, and return its path.

    Parameters
    ----------
    loop
        Whose logs are judged.
    overwrite
        Whether a file that is there already is replaced.

    Raises
    ------
    ConfigError
        If the file is there already and must not be replaced: it may have been edited.
    """
    path = suite_path(loop)
    text = json.dumps(generated_suite(loop), indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} is there already and may have been edited; --overwrite writes it anew") from None
    return path


def read_suite(loop: Loop, path: Path) -> Suite:
    """Return the suite in a file.

    Raises
    ------
    ConfigError
        With every problem of the file.
    """
    try:
        suite = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as JSON: {error}") from error
    problems = suite_problems(loop, suite)
    if problems:
        raise ConfigError(f"{path} is not a valid suite", problems)
    return {"name": suite.get("name") or f"{loop.name} logs", "expectations": suite["expectations"]}


def suite_problems(loop: Loop, suite: Any) -> list[str]:
    """Return everything that is wrong with a suite for a loop's logs; empty if it can be used."""
    expectations = suite.get("expectations") if isinstance(suite, dict) else None
    if not isinstance(expectations, list) or not expectations:
        return ['expected {"name": …, "expectations": [{"type": …, "kwargs": {…}}, …]} with at least one expectation']
    columns = schemas(loop)["predictions"].columns.names
    return [
        f"expectations[{number}]: {problem}"
        for number, item in enumerate(expectations)
        for problem in _problems(item, columns)
    ]


def _problems(item: Any, columns: list[str]) -> list[str]:
    if not isinstance(item, dict) or not isinstance(item.get("kwargs", {}), dict):
        return [f"got {item!r:.80}, expected an object with type and kwargs"]
    great_expectations()
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    known, kind = list_registered_expectation_implementations(), str(item.get("type"))
    problems = [f"unknown key {key!r}{did_you_mean(key, KEYS)}" for key in item if key not in KEYS]
    if kind not in known:
        return [*problems, f"unknown type {kind!r}{did_you_mean(kind, known)}"]
    return problems or [*_unknown_columns(item, columns), *_refused(item)]


def _unknown_columns(item: Mapping[str, Any], columns: list[str]) -> list[str]:
    return [
        f"no column {name!r}{did_you_mean(name, columns)}; there are: {', '.join(columns)}"
        for name in columns_named(item)
        if name not in columns
    ]


def columns_named(item: Mapping[str, Any]) -> list[str]:
    """Return the columns that an expectation names.

    Examples
    --------
    >>> columns_named({"type": "expect_…", "kwargs": {"column_list": ["a", "b"], "min_value": 1}})
    ['a', 'b']
    """
    arguments = [item["kwargs"][key] for key in COLUMN_ARGUMENTS if key in item.get("kwargs", {})]
    return [str(name) for value in arguments for name in (value if isinstance(value, list | tuple | set) else [value])]


def _refused(item: Mapping[str, Any]) -> list[str]:
    """Return why Great Expectations itself refuses an expectation: one problem for each argument."""
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        ExpectationConfiguration(**item).to_domain_obj()
    except GreatExpectationsError as error:
        return [str(error)]
    except (TypeError, ValueError) as error:
        if not hasattr(error, "errors"):
            return [f"{item['type']}: {error}"]
        known = list(get_expectation_impl(item["type"]).__fields__)
        said: dict[str, str] = {}
        for problem in error.errors():  # a value that fits none of several types is refused once by each
            name = str(problem["loc"][0])
            message = (
                f"unknown argument{did_you_mean(name, known)}" if problem["type"].endswith(".extra") else problem["msg"]
            )
            said.setdefault(name, f"{item['type']}: {message if name == '__root__' else f'{name}: {message}'}")
        return list(said.values())
    return []
