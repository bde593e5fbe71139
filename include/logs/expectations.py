"""Great Expectations suites built from the loop file, run in memory."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.config.loop_file import Loop

if TYPE_CHECKING:
    import pandas as pd


Wanted = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class SuiteResult:
    """Whether a batch met a suite, what failed in words, and the whole result as JSON can hold it."""

    success: bool
    failures: list[str]
    details: dict[str, Any]


def log_expectations(loop: Loop) -> list[Wanted]:
    """Return the expectations on a batch of predictions, as (name of the expectation, arguments)."""
    wanted: list[Wanted] = [("ExpectTableRowCountToBeBetween", {"min_value": 1})]
    wanted += [
        ("ExpectColumnValuesToNotBeNull", {"column": name}) for name in ("trace_id", "ts", "model_version", "predicted")
    ]
    wanted += [
        ("ExpectColumnValuesToBeUnique", {"column": "trace_id"}),
        ("ExpectColumnValuesToBeInSet", {"column": "predicted", "value_set": loop.task.classes}),
        ("ExpectColumnValuesToBeBetween", {"column": "confidence", "min_value": 0, "max_value": 1}),
    ]
    for name, item in loop.inputs.items():
        column = f"input_{name}"
        if item.required:
            wanted.append(("ExpectColumnValuesToNotBeNull", {"column": column}))
        if item.type == "numeric" and (item.minimum is not None or item.maximum is not None):
            bounds = {"column": column, "min_value": item.minimum, "max_value": item.maximum}
            wanted.append(("ExpectColumnValuesToBeBetween", bounds))
    return wanted


def run_suite(name: str, wanted: list[Wanted], batch: "pd.DataFrame") -> SuiteResult:
    """Judge a batch.

    Parameters
    ----------
    name
        Name of the suite.
    wanted
        Expectations as (name, arguments).
    batch
        Rows to judge; may be empty.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("loop").add_dataframe_asset("batch")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    suite = gx.ExpectationSuite(name, expectations=[getattr(gx.expectations, kind)(**args) for kind, args in wanted])
    result = definition.get_batch({"dataframe": batch}).validate(suite, result_format="SUMMARY").to_json_dict()
    failures = [_failure(item) for item in result["results"] if not item["success"]]
    return SuiteResult(bool(result["success"]), failures, result)


def say(item: dict[str, Any]) -> str:
    """Return what an expectation asks for, in words."""
    config = item["expectation_config"]
    arguments = {key: value for key, value in config["kwargs"].items() if key not in {"batch_id", "column"}}
    words = config["type"].removeprefix("expect_").replace("_", " ")
    return f"{config['kwargs'].get('column', 'table')}: {words} {arguments or ''}".strip()


def observed(item: dict[str, Any]) -> str:
    """Return what was found instead, in words."""
    found = item.get("result", {})
    if "unexpected_count" in found:
        examples = found.get("partial_unexpected_list", [])[:3]
        return f"{found['unexpected_count']} of {found['element_count']} rows; e.g. {examples}"
    return str(found.get("observed_value", item.get("exception_info", "")))


def _failure(item: dict[str, Any]) -> str:
    return f"{say(item)}: {observed(item)}"
