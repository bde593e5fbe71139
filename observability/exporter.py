"""What a monitoring system scrapes: the metrics of every loop, read from its tables when one of them has changed."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from include.foundation.errors import FeedbackLoopError
from include.foundation.store.tables import LoopStore
from include.stages.reports.loop_facts import loop_facts
from include.stages.reports.loop_metrics import loop_metrics
from include.stages.reports.loop_tallies import READ, loop_tallies
from include.stages.reports.standing import standing

if TYPE_CHECKING:
    from collections.abc import Sequence

AGED = 300  # seconds after which what depends on the clock is computed again, such as what is late
log = logging.getLogger(__name__)


class LoopExporter:
    """The metrics of one loop, kept while its tables stay as they are.

    Parameters
    ----------
    store
        Tables of the loop.
    """

    def __init__(self, store: LoopStore) -> None:
        self._store = store
        self._kept: tuple[tuple[int | None, ...], float, list[Metric]] | None = None

    @property
    def loop(self) -> str:
        """Name of the loop."""
        return self._store.loop.name

    def metrics(self) -> list[Metric]:
        """Return the families of the loop.

        Raises
        ------
        FeedbackLoopError
            If its tables cannot be read.
        """
        versions = tuple(self._store.version(name) for name in READ)
        if self._kept is None or self._kept[0] != versions or monotonic() - self._kept[1] > AGED:
            now = datetime.now(UTC)
            stand = standing(self._store.loop, loop_facts(self._store, now), now)
            self._kept = versions, monotonic(), list(loop_metrics(stand, loop_tallies(self._store, now)))
        return self._kept[2]


class LoopsCollector(Collector):
    """All loops together, as a registry of Prometheus' client asks for them.

    A loop whose tables cannot be read has ``feedback_loop_up`` 0 and nothing else; the log says why. The others go on.

    Parameters
    ----------
    stores
        Tables of the loops.
    """

    def __init__(self, stores: "Sequence[LoopStore]") -> None:
        self._exporters = [LoopExporter(store) for store in stores]

    def describe(self) -> list[Metric]:
        """Return nothing: what there is depends on the loops, and nothing is read to register."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield each family once, with the samples of every loop."""
        is_up = GaugeMetricFamily("feedback_loop_up", "1 where the tables of the loop could be read", labels=["loop"])
        of_loops = [self._of(exporter, is_up) for exporter in self._exporters]
        yield is_up
        families: dict[str, Metric] = {}
        for metric in chain.from_iterable(of_loops):
            family = families.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            family.samples += metric.samples
        yield from families.values()

    @staticmethod
    def _of(exporter: LoopExporter, is_up: GaugeMetricFamily) -> list[Metric]:
        try:
            metrics = exporter.metrics()
        except FeedbackLoopError:
            log.exception("Loop %s cannot be watched", exporter.loop)
            metrics = []
        is_up.add_metric([exporter.loop], float(bool(metrics)))
        return metrics


def registry_of(stores: "Sequence[LoopStore]") -> CollectorRegistry:
    """Return a registry of the metrics of some loops, and of nothing else.

    Parameters
    ----------
    stores
        Tables of the loops.
    """
    registry = CollectorRegistry()
    registry.register(LoopsCollector(stores))
    return registry
