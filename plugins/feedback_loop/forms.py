"""Trigger forms made from the models of ``include.foundation.config.manual_runs``."""

from collections.abc import Mapping
from typing import Any, TypeVar

from airflow.sdk import Param
from pydantic import ValidationError

from include.foundation.config.sections import Section
from include.foundation.errors import ConfigError

Form = TypeVar("Form", bound=Section)


def trigger_form(model: type[Section]) -> dict[str, Param]:
    """Return the DAG params of a form: types, bounds and help come from the model.

    Examples
    --------
    >>> from include.foundation.config.manual_runs import GuardRun
    >>> trigger_form(GuardRun)["dry_run"].value
    False
    """
    fields = model.model_json_schema()["properties"]
    return {name: Param(schema.pop("default"), **_flat(schema)) for name, schema in fields.items()}


def filled_in(model: type[Form], params: Mapping[str, Any]) -> Form:
    """Return a form as it was filled in; params that are not of the form are left alone.

    Raises
    ------
    ConfigError
        If a value is not what the form asks for.

    Examples
    --------
    >>> from include.foundation.config.manual_runs import ObserveRun
    >>> filled_in(ObserveRun, {"budget": 3}).budget
    3
    """
    try:
        return model.model_validate({name: params[name] for name in model.model_fields if name in params})
    except ValidationError as error:
        raise ConfigError(f"{model.__name__}: {error}") from error


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """Turn ``anyOf: [<type>, null]`` into what Airflow's form draws: one type that may be empty."""
    if "anyOf" not in schema:
        return schema
    first = {key: value for option in schema.pop("anyOf") if option["type"] != "null" for key, value in option.items()}
    return {**schema, **first, "type": ["null", first["type"]]}
