from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from observability.exporter import registry_of
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import make_world

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Only for tests that leave its tables alone."""
    return Played(make_world(tmp_path_factory.mktemp("watched")))


@pytest.fixture(scope="session")
def registry(watched: Played) -> CollectorRegistry:
    return registry_of([watched.store])


@pytest.fixture(scope="session")
def names(registry: CollectorRegistry) -> set[str]:
    """Of every sample that the story gives."""
    return {sample.name for family in registry.collect() for sample in family.samples}
