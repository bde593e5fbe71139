from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from gateway.measures import LoopMeasures, Measures
from gateway.segment_uploads import Backlog
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
    return names_in(registry)


@pytest.fixture(scope="session")
def gateway_names() -> set[str]:
    """Of every sample of a gateway that answered."""
    measures = Measures()
    loop = LoopMeasures(measures, "wire")
    loop.watch(lambda: 0, lambda: False)
    loop.of_log("predictions")(1, 0.1)
    loop.of_uploads("predictions")(True)
    loop.watch_log("predictions", lambda: None, lambda: Backlog(0, 0, 0.0))
    loop.scored(1, 0.1)
    loop.exchanged("1")
    loop.shadowed("answered", 1)
    loop.watch_challenger(lambda: False)
    loop.canary(0.1)
    loop.watch_canary(lambda: False)
    measures.requests.labels("wire", "/v1/predict", "200").inc()
    measures.request_seconds.labels("wire", "/v1/predict").observe(0.1)
    return names_in(measures.registry)


def names_in(registry: CollectorRegistry) -> set[str]:
    return {sample.name for family in registry.collect() for sample in family.samples}
