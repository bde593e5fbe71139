"""Make a loop's model with the factory that its loop file names."""

import importlib
from typing import Any

from sklearn.base import BaseEstimator

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError

RETIRED = {"include.training.factories": "include.factories"}  # modules that moved, which loop files may still name


def build(loop: Loop) -> BaseEstimator:
    """Return the unfitted model that a loop file names.

    Raises
    ------
    ConfigError
        If the factory cannot be imported, does not take the parameters, or returns no classifier with probabilities.
    """
    path = loop.training.factory
    module_name, _, name = path.partition(":")
    try:
        factory: Any = getattr(importlib.import_module(RETIRED.get(module_name, module_name)), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"training.factory: got {path!r}, expected module:function that can be imported: {error}"
        ) from error
    try:
        model = factory(loop.inputs, loop.training.seed, **loop.training.params)
    except TypeError as error:
        raise ConfigError(f"training.params: {path} does not take {loop.training.params}: {error}") from error
    if not hasattr(model, "predict_proba"):
        raise ConfigError(f"training.factory: {path} returned {model!r}, expected a classifier with predict_proba")
    return model
