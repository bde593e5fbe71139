"""Judge a batch with a Great Expectations suite, and say in words what it found."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


Suite = Mapping[str, Any]
STOPPING = "critical"
COUNTED = ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal")
EXAMPLES = 3
LONGEST_EXAMPLE = 60


@dataclass(frozen=True)
class SuiteResult:
    """What a suite found, as Great Expectations says it in JSON, and in words.

    ``details["meta"]`` has ``rows``, the size of the batch, and ``judged``, how many of them were looked at. Each of
    ``details["results"]`` has its expectation in words as ``says``.
    """

    details: dict[str, Any]

    @property
    def success(self) -> bool:
        """Whether every expectation of severity ``critical``, the default, was met; those of others only warn."""
        return not self.failures

    @property
    def failures(self) -> list[str]:
        """The critical expectations that were missed, and what was observed."""
        return [said(item) for item in self._missed() if severity_of(item) == STOPPING]

    @property
    def warnings(self) -> list[str]:
        """The other expectations that were missed, and what was observed."""
        return [said(item) for item in self._missed() if severity_of(item) != STOPPING]

    def _missed(self) -> list[dict[str, Any]]:
        return [item for item in self.details["results"] if not item["success"]]


def suite_of(name: str, wanted: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return a suite in the JSON format of Great Expectations, of (type, arguments).

    Examples
    --------
    >>> suite_of("s", [("expect_column_values_to_be_unique", {"column": "trace_id"})])["expectations"]
    [{'type': 'expect_column_values_to_be_unique', 'kwargs': {'column': 'trace_id'}}]
    """
    return {"name": name, "expectations": [{"type": kind, "kwargs": dict(kwargs)} for kind, kwargs in wanted]}


def run_suite(suite: Suite, batch: "pd.DataFrame", rows: int | None = None) -> SuiteResult:
    """Judge a batch.

    Parameters
    ----------
    suite
        ``{"name": …, "expectations": [{"type": …, "kwargs": …, "meta": …, "severity": …}]}``, a valid one.
    batch
        Rows to judge; may be empty, and may be a sample of all.
    rows
        Size of the whole batch if it is larger: expectations on the number of rows are about it.
    """
    import pandas as pd

    rows = len(batch) if rows is None else rows
    others = [item for item in suite["expectations"] if item["type"] not in COUNTED]
    results = _judge(suite["name"], others, batch) if others else []
    size = pd.DataFrame({"rows": [rows]})
    for item in suite["expectations"]:
        if item["type"] in COUNTED:
            (found,) = _judge(suite["name"], [_on_size(item)], size)
            results.append(found | _of(item, found))
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
    return str(item["expectation_config"].get("severity") or STOPPING)


def said(item: Mapping[str, Any]) -> str:
    """Return a result as one sentence: what was expected, and what was observed."""
    return f"{item['says']} {observed(item)}"


def observed(item: Mapping[str, Any]) -> str:
    """Return what a result's expectation found in the batch, in words."""
    found = item.get("result") or {}
    if "unexpected_count" in found:
        examples = ", ".join(_short(value) for value in found.get("partial_unexpected_list", [])[:EXAMPLES])
        return (
            f"{found['unexpected_count']} of {found['element_count']} rows do not{f': {examples}' if examples else ''}"
        )
    if "observed_value" in found:
        return f"observed {_short(found['observed_value'])}"
    return _raised(item.get("exception_info") or {}) or "observed nothing"


def _judge(name: str, expectations: list[Mapping[str, Any]], batch: "pd.DataFrame") -> list[dict[str, Any]]:
    gx = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("loop").add_dataframe_asset("batch")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    suite = gx.ExpectationSuite(name, expectations=[dict(item) for item in expectations])
    found = definition.get_batch({"dataframe": batch}).validate(suite, result_format="SUMMARY")
    return [item.to_json_dict() | {"says": _says(item.expectation_config)} for item in found.results]


def _on_size(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a single row has to meet whose column ``rows`` is the size of the batch.

    Given that many rows instead, Great Expectations would hash every one.
    """
    bounds = dict(item["kwargs"])
    if "value" in bounds:
        bounds["min_value"] = bounds["max_value"] = bounds.pop("value")
    return {**item, "type": "expect_column_max_to_be_between", "kwargs": {"column": "rows", **bounds}}


def _of(item: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a result says of its own expectation, where another one was judged for it."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    own = {"type": item["type"], "kwargs": dict(item["kwargs"])}
    says = _says(ExpectationConfiguration(**item))
    return {"expectation_config": {**found["expectation_config"], **own}, "says": says}


def _says(configuration: Any) -> str:
    """Return Great Expectations' own sentence about an expectation."""
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    rendered = InlineRenderer(render_object=configuration).get_rendered_content()[0].value
    values = {name: param["value"] for name, param in (rendered.params or {}).items()}
    return Template(rendered.template or configuration.type).safe_substitute(values)


def _raised(found: Mapping[str, Any]) -> str:
    """Return why an expectation could not be judged: Great Expectations nests it by metric."""
    nested = [found, *(value for value in found.values() if isinstance(value, Mapping))]
    return "; ".join(str(item["exception_message"]) for item in nested if item.get("exception_message"))


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[: LONGEST_EXAMPLE - 1]}…"
