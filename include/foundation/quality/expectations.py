"""Judge a batch with a Great Expectations suite, and put the result into words."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


Suite = Mapping[str, Any]
STOPPING_SEVERITY = "critical"
ON_BATCH_SIZE = ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal")
EXAMPLES = 3
LONGEST_EXAMPLE = 60


@dataclass(frozen=True)
class SuiteResult:
    """What a suite found in a batch, as JSON of Great Expectations and in words.

    Attributes
    ----------
    details
        The result as Great Expectations writes it. Its ``meta`` has ``rows``, the size of the batch, and ``judged``, how many
        of these rows were looked at; each of its ``results`` has ``says``, its expectation in words.
    """

    details: dict[str, Any]

    @property
    def success(self) -> bool:
        """Whether every expectation of severity ``critical``, the default, is met; the others only warn."""
        return not self.failures

    @property
    def failures(self) -> list[str]:
        """The critical expectations that are missed, each with what was observed."""
        return [_sentence(item) for item in self._missed() if severity_of(item) == STOPPING_SEVERITY]

    @property
    def warnings(self) -> list[str]:
        """The other expectations that are missed, each with what was observed."""
        return [_sentence(item) for item in self._missed() if severity_of(item) != STOPPING_SEVERITY]

    def _missed(self) -> list[dict[str, Any]]:
        return [item for item in self.details["results"] if not item["success"]]


def suite_of(name: str, expectations: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return a suite in the JSON format of Great Expectations, made from pairs of an expectation's type and arguments.

    Examples
    --------
    >>> suite_of("s", [("expect_column_values_to_be_unique", {"column": "trace_id"})])["expectations"]
    [{'type': 'expect_column_values_to_be_unique', 'kwargs': {'column': 'trace_id'}}]
    """
    return {"name": name, "expectations": [{"type": kind, "kwargs": dict(kwargs)} for kind, kwargs in expectations]}


def run_suite(suite: Suite, batch: "pd.DataFrame", rows: int | None = None) -> SuiteResult:
    """Judge a batch.

    Parameters
    ----------
    suite
        ``{"name": …, "expectations": [{"type": …, "kwargs": …, "meta": …, "severity": …}]}``, a valid one.
    batch
        Rows to judge; may be empty, and may be a sample of the whole batch.
    rows
        Size of the whole batch, which expectations on the number of rows are about; None if ``batch`` is the whole.
    """
    rows = len(batch) if rows is None else rows
    on_rows = [item for item in suite["expectations"] if item["type"] not in ON_BATCH_SIZE]
    on_size = [item for item in suite["expectations"] if item["type"] in ON_BATCH_SIZE]
    results = _judge(suite["name"], on_rows, batch) if on_rows else []
    results += [_judge_size(suite["name"], item, rows) for item in on_size]
    met = sum(item["success"] for item in results)
    return SuiteResult(
        {
            "suite_name": suite["name"],
            "success": met == len(results),
            "statistics": {"evaluated_expectations": len(results), "successful_expectations": met},
            "meta": {"rows": rows, "judged": len(batch)},
            "results": results,
        }
    )


def great_expectations() -> Any:
    """Return the library, told not to send anything anywhere."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    return gx


def severity_of(item: Mapping[str, Any]) -> str:
    """Return the severity of a result's expectation: critical, warning or info."""
    return str(item["expectation_config"].get("severity") or STOPPING_SEVERITY)


def observed(item: Mapping[str, Any]) -> str:
    """Return in words what Great Expectations observed for one of the results."""
    result = item.get("result") or {}
    if "unexpected_count" in result:
        examples = ", ".join(_short(value) for value in result.get("partial_unexpected_list", [])[:EXAMPLES])
        counts = f"{result['unexpected_count']} of {result['element_count']} rows do not"
        return f"{counts}: {examples}" if examples else counts
    if "observed_value" in result:
        return f"observed {_short(result['observed_value'])}"
    return _raised(item.get("exception_info") or {}) or "observed nothing"


def _sentence(item: Mapping[str, Any]) -> str:
    """Return a result as one sentence: what was expected, and what was observed."""
    return f"{item['says']} {observed(item)}"


def _judge(name: str, expectations: list[Mapping[str, Any]], batch: "pd.DataFrame") -> list[dict[str, Any]]:
    gx = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("loop").add_dataframe_asset("batch")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    suite = gx.ExpectationSuite(name, expectations=[dict(item) for item in expectations])
    validation = definition.get_batch({"dataframe": batch}).validate(suite, result_format="SUMMARY")
    return [item.to_json_dict() | {"says": _says(item.expectation_config)} for item in validation.results]


def _judge_size(name: str, item: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the result of an expectation on the number of rows.

    It is judged as an expectation on a single row that holds the number: Great Expectations would hash every one of that
    many rows.
    """
    import pandas as pd
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    bounds = dict(item["kwargs"])
    if "value" in bounds:
        bounds["min_value"] = bounds["max_value"] = bounds.pop("value")
    judged = {**item, "type": "expect_column_max_to_be_between", "kwargs": {"column": "rows", **bounds}}
    (result,) = _judge(name, [judged], pd.DataFrame({"rows": [rows]}))
    asked = {"type": item["type"], "kwargs": dict(item["kwargs"])}
    return {
        **result,
        "expectation_config": {**result["expectation_config"], **asked},
        "says": _says(ExpectationConfiguration(**item)),
    }


def _says(configuration: Any) -> str:
    """Return Great Expectations' own sentence about an expectation."""
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    rendered = InlineRenderer(render_object=configuration).get_rendered_content()[0].value
    values = {name: param["value"] for name, param in (rendered.params or {}).items()}
    return Template(rendered.template or configuration.type).safe_substitute(values)


def _raised(exception_info: Mapping[str, Any]) -> str:
    """Return why an expectation could not be judged; Great Expectations nests the reasons by metric, or does not."""
    nested = [exception_info, *(value for value in exception_info.values() if isinstance(value, Mapping))]
    return "; ".join(str(item["exception_message"]) for item in nested if item.get("exception_message"))


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[: LONGEST_EXAMPLE - 1]}…"
