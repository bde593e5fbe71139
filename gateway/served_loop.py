"""One loop as it is served: its champion, its predictions and its feedback."""

from pathlib import Path

from gateway.batch_cost import BatchCost
from gateway.champion_holder import ChampionHolder
from gateway.durable_lines import DurableLines
from gateway.feedback_service import FeedbackService
from gateway.log_writer import LogWriter
from gateway.measures import LoopMeasures, Measures
from gateway.model_copies import ModelCopies
from gateway.prediction_service import PredictionService
from gateway.scorer import Scorer
from gateway.settings import Settings
from include.foundation.config.data_sections import Source
from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.objects.s3_objects import options_in_environment
from include.foundation.store.tables import LoopStore
from include.foundation.uris import is_remote


class ServedLoop:
    """A loop whose champion is served.

    Parameters
    ----------
    loop
        Of the loop file.
    settings
        Of the process.
    measures
        Of the process.

    Raises
    ------
    ConfigError
        If the loop reads its logs from somewhere else than where a gateway writes them.
    """

    def __init__(self, loop: Loop, settings: Settings, measures: Measures) -> None:
        self.loop, self._measures = loop, LoopMeasures(measures, loop.name)
        folders = {"predictions": _folder(loop, "logs", loop.logs)}
        if loop.feedback.given:
            folders["feedback"] = _folder(loop, "feedback", loop.feedback)
        self.logs = {name: self._log(name, folder, settings) for name, folder in folders.items()}
        self.predictions = PredictionService(
            loop,
            self.logs["predictions"],
            self._measures,
            most_rows=settings.most_batch_rows,
            most_pending=settings.most_pending_rows,
        )
        self.lines = {name: DurableLines(log) for name, log in self.logs.items()}
        self.feedback = FeedbackService(loop, self.lines.get("feedback"))
        store = LoopStore(loop, settings.store, options_in_environment())
        copies = ModelCopies(settings.state / loop.name, loop)
        self.champion = ChampionHolder(store, ModelRegistry(settings.mlflow, loop), copies, self._exchange)
        self._measures.watch(lambda: self.predictions.batcher.pending_rows, lambda: self.champion.problem is not None)

    @property
    def problems(self) -> list[str]:
        """Why it cannot answer now; empty if it can."""
        problems = [f"the log of {name} cannot be written" for name, log in self.logs.items() if log.problem]
        if self.champion.current is None:
            problems.append("no model is live" if self.champion.problem is None else "the champion cannot be loaded")
        return [f"{self.loop.name}: {problem}" for problem in problems]

    def close(self) -> None:
        """Answer what waits, and complete the logs."""
        self.predictions.batcher.close()
        for log in self.logs.values():
            log.close()

    def _exchange(self, scorer: Scorer, cost: BatchCost) -> None:
        self.predictions.exchange(scorer, cost)
        self._measures.exchanged(scorer.version)

    def _log(self, name: str, folder: Path, settings: Settings) -> LogWriter:
        logs: list[LogWriter] = []
        watch = self._measures.of_log(name, lambda: logs[0].problem if logs else None)
        logs.append(LogWriter(folder, settings.policy, watch))
        return logs[0]


def _folder(loop: Loop, section: str, source: Source) -> Path:
    """Return the folder that a gateway writes a log to, which must be what a pull reads."""
    problems = []
    if source.format != "jsonl":
        problems.append(f"{section}.format: got {source.format}, expected jsonl")
    if source.uri is None or is_remote(source.uri):
        problems.append(f"{section}.uri: got {source.uri}, expected a folder of this machine")
    if source.columns:
        problems.append(f"{section}.columns: got other names than a gateway writes, expected none")
    if problems:
        raise ConfigError(f"Loop {loop.name} cannot be served: a gateway writes what the loop then reads", problems)
    return Path(resolve(str(source.uri)))
