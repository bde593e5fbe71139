"""Make a loop's model with the factory that its loop file names."""

import importlib
import os
from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError

RETIRED = {"include.training.factories": "include.factories"}  # modules that moved, which loop files may still name
OWN = "include.factories"
MODULES_VARIABLE = "FEEDBACK_LOOP_FACTORIES"


def build(loop: Loop) -> BaseEstimator:
    """Return the unfitted model that a loop file names.

    Raises
    ------
    ConfigError
        If the factory is of a module that is not allowed, cannot be imported, does not take the parameters, fails, or returns
        no classifier with probabilities.
    """
    path, factory = loop.training.factory, _factory(loop.training.factory)
    try:
        model = factory(loop.inputs, loop.training.seed, **loop.training.params)
    except TypeError as error:
        raise ConfigError(f"training.params: {path} does not take {loop.training.params}: {error}") from error
    except Exception as error:  # a factory is the user's own code
        raise ConfigError(f"training.factory: {path} fails with {loop.training.params}: {error!r}") from error
    if not (hasattr(model, "predict_proba") and hasattr(model, "fit")):
        raise ConfigError(f"training.factory: {path} returned {model!r}, expected a classifier with predict_proba")
    return model


def allowed_modules() -> tuple[str, ...]:
    """Return the modules whose functions loop files may name, and the packages whose modules they may.

    They are ``include.factories`` and those that ``FEEDBACK_LOOP_FACTORIES`` lists, separated by commas: who writes a loop file
    does not choose what code runs.
    """
    named = os.environ.get(MODULES_VARIABLE, "").split(",")
    return (OWN, *(name.strip() for name in named if name.strip()))


def _factory(path: str) -> Callable[..., Any]:
    module_name, _, name = path.partition(":")
    module_name = RETIRED.get(module_name, module_name)
    _demand_allowed(path, module_name)
    try:
        factory: Any = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # importing runs the user's own code
        raise ConfigError(
            f"training.factory: got {path!r}, expected module:function that can be imported: {error}"
        ) from error
    if not callable(factory):
        raise ConfigError(f"training.factory: {path} is {factory!r}, expected a function that returns a classifier")
    _demand_allowed(path, str(getattr(factory, "__module__", None)))
    return factory  # type: ignore[no-any-return]


def _demand_allowed(path: str, module: str) -> None:
    """Demand that a module is allowed; the one in which a factory was defined, too, or a name that it imports would do."""
    allowed = allowed_modules()
    if not any(module == name or module.startswith(f"{name}.") for name in allowed):
        raise ConfigError(
            f"training.factory: got {path!r} of module {module}, expected a function of {' or '.join(allowed)}; put it into "
            f"include/factories, or name its module in the environment variable {MODULES_VARIABLE}"
        )
