from pathlib import Path

import pytest

from tests.gateway.gateway_worlds import World, make_world


@pytest.fixture
def world(tmp_path: Path, mlflow_template: Path) -> World:
    return make_world(tmp_path, mlflow_template)
