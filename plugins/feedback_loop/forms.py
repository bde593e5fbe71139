"""Trigger forms made from the models of ``include.foundation.config.manual_runs``."""

from typing import Any

from airflow.sdk import Param

from include.foundation.config.manual_runs import form_fields
from include.foundation.config.sections import Section


def trigger_form(model: type[Section]) -> dict[str, Param]:
    """Return the DAG params of a form: types, bounds and help come from the model.

    Examples
    --------
    >>> from include.foundation.config.manual_runs import GuardRun
    >>> trigger_form(GuardRun)["dry_run"].value
    False
    """
    return {name: Param(schema.pop("default"), **_flat(schema)) for name, schema in form_fields(model).items()}


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """Turn ``anyOf: [<type>, null]`` into what Airflow's form draws: one type that may be empty."""
    if "anyOf" not in schema:
        return schema
    first = {key: value for option in schema.pop("anyOf") if option["type"] != "null" for key, value in option.items()}
    return {**schema, **first, "type": ["null", first["type"]]}
