"""What the gateway measures of itself, in Prometheus' format."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from gateway.segment_uploads import Backlog

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Measures:
    """The metrics of one gateway process; their names begin with ``feedback_loop_gateway_``.

    Attributes
    ----------
    registry
        What `/metrics` shows.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"namespace": "feedback_loop_gateway", "registry": self.registry}
        self.requests = Counter("requests", "Requests answered", ["loop", "path", "status"], **own)
        self.request_seconds = Histogram(
            "request_seconds", "Time until a request was answered", ["loop", "path"], buckets=SECONDS, **own
        )
        self.shed_requests = Counter("shed_requests", "Requests refused before they were read", **own)
        self.batch_rows = Histogram("batch_rows", "Rows that were scored together", ["loop"], buckets=ROWS, **own)
        self.score_seconds = Histogram("score_seconds", "Time to score a batch", ["loop"], buckets=SECONDS, **own)
        self.log_lines = Counter("log_lines", "Lines that are in a log", ["loop", "log"], **own)
        self.log_seconds = Histogram(
            "log_write_seconds",
            "Time to write lines, synced as the policy says",
            ["loop", "log"],
            buckets=SECONDS,
            **own,
        )
        self.log_failing = Gauge("log_failing", "Whether a log cannot be written", ["loop", "log"], **own)
        of_log: dict[str, Any] = {"labelnames": ["loop", "log"], **own}
        self.uploads = Counter("uploads", "Attempts to send a segment to S3", ["loop", "log", "outcome"], **own)
        self.backlog_bytes = Gauge("upload_backlog_bytes", "Bytes of complete segments that S3 does not have", **of_log)
        self.backlog_seconds = Gauge("upload_backlog_seconds", "Time since the oldest of them was completed", **of_log)
        self.pending_rows = Gauge("pending_rows", "Rows that wait or are scored", ["loop"], **own)
        self.model_version = Gauge("model_version", "Version of the model that is served", ["loop"], **own)
        self.model_exchanges = Counter("model_exchanges", "Models that were taken into service", ["loop"], **own)
        self.champion_stale = Gauge(
            "champion_unfollowed", "Whether the last look at what is live failed", ["loop"], **own
        )
        self.shadow_rows = Counter(
            "shadow_rows", "Rows that a challenger was asked about, or would have been", ["loop", "outcome"], **own
        )
        self.challenger_unasked = Gauge(
            "challenger_unasked", "Whether a challenger that waits for live requests cannot be asked", ["loop"], **own
        )
        self.canary_share = Gauge("canary_share", "Share of the callers that a canary is served to", ["loop"], **own)
        self.canary_unserved = Gauge("canary_unserved", "Whether a canary cannot be served", ["loop"], **own)


class LoopMeasures:
    """The metrics of one loop.

    Parameters
    ----------
    measures
        Of the process.
    loop
        Name of the loop.
    """

    def __init__(self, measures: Measures, loop: str) -> None:
        self._measures, self._loop = measures, loop
        self._rows, self._seconds = measures.batch_rows.labels(loop), measures.score_seconds.labels(loop)

    def scored(self, rows: int, seconds: float) -> None:
        """Take in that a batch was scored."""
        self._rows.observe(rows)
        self._seconds.observe(seconds)

    def exchanged(self, version: str) -> None:
        """Take in that another version is served; one that is no number shows as 0."""
        self._measures.model_version.labels(self._loop).set(int(version) if version.isdecimal() else 0)
        self._measures.model_exchanges.labels(self._loop).inc()

    def shadowed(self, outcome: str, rows: int) -> None:
        """Take in that a challenger ``answered`` rows, ``failed`` on them, or that they were ``dropped``: too many waited."""
        self._measures.shadow_rows.labels(self._loop, outcome).inc(rows)

    def canary(self, share: float) -> None:
        """Take in which share of the callers a canary is served to, 0 if none is."""
        self._measures.canary_share.labels(self._loop).set(share)

    def watch_canary(self, unserved: Callable[[], bool]) -> None:
        """Have shown whether the last look at the canary failed, asked for whenever the metrics are."""
        self._measures.canary_unserved.labels(self._loop).set_function(lambda: float(unserved()))

    def watch_challenger(self, unasked: Callable[[], bool]) -> None:
        """Have shown whether the last look at what is pending failed, asked for whenever the metrics are."""
        self._measures.challenger_unasked.labels(self._loop).set_function(lambda: float(unasked()))

    def of_log(self, log: str) -> Callable[[int, float], None]:
        """Return what a log is to tell its writes to.

        Parameters
        ----------
        log
            ``predictions`` or ``feedback``.
        """
        lines = self._measures.log_lines.labels(self._loop, log)
        seconds = self._measures.log_seconds.labels(self._loop, log)

        def _note(count: int, took: float) -> None:
            lines.inc(count)
            seconds.observe(took)

        return _note

    def of_uploads(self, log: str) -> Callable[[bool], None]:
        """Return what uploads of a log are to tell their attempts to.

        Parameters
        ----------
        log
            ``predictions`` or ``feedback``.
        """
        outcomes = {True: "done", False: "failed"}
        attempts = {each: self._measures.uploads.labels(self._loop, log, outcome) for each, outcome in outcomes.items()}
        return lambda succeeded: attempts[succeeded].inc()

    def watch_log(
        self, log: str, problem: Callable[[], str | None], backlog: Callable[[], Backlog] | None = None
    ) -> None:
        """Have the states of a log shown, asked for whenever the metrics are.

        Parameters
        ----------
        log
            ``predictions`` or ``feedback``.
        problem
            Says why it cannot be written; None if it can.
        backlog
            Says what waits for S3, of a log that goes there.
        """
        self._measures.log_failing.labels(self._loop, log).set_function(lambda: float(problem() is not None))
        if backlog is not None:
            self._measures.backlog_bytes.labels(self._loop, log).set_function(lambda: float(backlog().size))
            self._measures.backlog_seconds.labels(self._loop, log).set_function(lambda: backlog().seconds)

    def watch(self, pending: Callable[[], int], stale: Callable[[], bool]) -> None:
        """Have two states shown, asked for whenever the metrics are.

        Parameters
        ----------
        pending
            Rows that wait.
        stale
            Whether the last look at what is live failed.
        """
        self._measures.pending_rows.labels(self._loop).set_function(lambda: float(pending()))
        self._measures.champion_stale.labels(self._loop).set_function(lambda: float(stale()))
