from pathlib import Path

import pytest

from include.foundation.models.registry import ModelRegistry
from tests.gateway.gateway_worlds import World, make_world, registered
from tests.include.conftest import s3_options

__all__ = ["registry", "s3_options", "world"]


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, mlflow_template: Path) -> ModelRegistry:
    """A registry that every world shares, since a new one takes half a minute."""
    return registered(tmp_path_factory.mktemp("registry"), mlflow_template)


@pytest.fixture
def world(tmp_path: Path, registry: ModelRegistry) -> World:
    return make_world(tmp_path, registry)
