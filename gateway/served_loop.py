"""One loop as it is served: its champion, its predictions and its feedback."""

from gateway.batch_cost import BatchCost
from gateway.canary_holder import CanaryHolder, ServedShare
from gateway.champion_holder import ChampionHolder
from gateway.durable_lines import DurableLines
from gateway.feedback_service import FeedbackService
from gateway.loop_logs import LoopLog, places_of
from gateway.measures import LoopMeasures, Measures
from gateway.model_source import ModelSource
from gateway.prediction_service import PredictionService
from gateway.refusals import Refusal
from gateway.scorer import Scorer
from gateway.settings import Settings
from gateway.shadowed_loop import ShadowedLoop
from include.foundation.config.loop_file import Loop


class ServedLoop:
    """A loop whose champion is served, as its file says it.

    Parameters
    ----------
    loop
        Of the loop file.
    settings
        Of the process.
    measures
        Of the process.
    before
        The same loop as its file said it before: logs that lie where they lay are written on.

    Raises
    ------
    ConfigError
        If the loop reads its logs from somewhere else than where a gateway writes them.
    """

    def __init__(self, loop: Loop, settings: Settings, measures: Measures, before: "ServedLoop | None" = None) -> None:
        self.loop, self._measures = loop, LoopMeasures(measures, loop.name)
        of_before: dict[str, LoopLog] = {} if before is None else before.logs
        self.logs: dict[str, LoopLog] = {
            name: log
            if (log := of_before.get(name)) is not None and log.place == place
            else LoopLog(name, place, settings, self._measures)
            for name, place in places_of(loop, settings.state).items()
        }
        self.predictions = PredictionService(
            loop,
            self.logs["predictions"].writer,
            self._measures,
            most_rows=settings.most_batch_rows,
            most_pending=settings.most_pending_rows,
        )
        self.lines = {name: DurableLines(log.writer) for name, log in self.logs.items()}
        self.feedback = FeedbackService(loop, self.lines.get("feedback"))
        self.champion = ChampionHolder(ModelSource.of(loop, settings), self._exchange)
        self._challenger: ShadowedLoop | None = None
        if loop.deploy.strategy == "shadow":
            self._challenger = ShadowedLoop(loop, settings, self._measures, self.predictions)
        self.canary = CanaryHolder(ModelSource.of(loop, settings, "canary"), self._exchange_canary)

    @property
    def problems(self) -> list[str]:
        """Why it cannot answer now; empty if it can."""
        problems = [f"the log of {name} cannot be written" for name, log in self.logs.items() if log.writer.problem]
        if (why := self.champion.why_none) is not None:
            problems.append(why)
        return [f"{self.loop.name}: {problem}" for problem in problems]

    def demand_model(self) -> None:
        """Refuse whoever asks while there is no model.

        Raises
        ------
        Refusal
            503, with what is being done about it.
        """
        if (why := self.champion.why_none) is not None:
            raise Refusal(503, f"Loop {self.loop.name}: {why}; send it again later", retry_after=2.0)

    @property
    def notes(self) -> list[str]:
        """What somebody should look at, though it answers."""
        return [f"{self.loop.name}: {note}" for log in self.logs.values() for note in log.notes]

    def look(self) -> None:
        """Follow what is live and what is served to a share of the callers: a canary at first before anybody is answered."""
        if self.champion.current is None:
            self.canary.look()
        self.champion.look()
        self.canary.look()

    @property
    def challenger_version(self) -> str | None:
        """Version that is asked about live requests; None if none is."""
        current = self._challenger.holder.current if self._challenger else None
        return None if current is None else current.version

    def look_at_challenger(self) -> None:
        """Follow what is pending, where challengers are asked about live requests."""
        if self._challenger is not None:
            self._challenger.holder.look()

    def show(self) -> None:
        """Have the metrics of the loop show this one."""
        self._measures.watch(lambda: self.predictions.batcher.pending_rows, lambda: self.champion.problem is not None)
        self._measures.watch_canary(lambda: self.canary.problem is not None)
        challenger = self._challenger
        self._measures.watch_challenger(lambda: challenger is not None and challenger.holder.problem is not None)
        if challenger is not None:
            challenger.show()
        for log in self.logs.values():
            log.show()

    def close(self, after: "ServedLoop | None" = None) -> None:
        """Answer what waits, and complete the logs, but those that another one writes on."""
        self.predictions.batcher.close()
        if self._challenger is not None:
            self._challenger.close()
        written_on = [] if after is None else list(after.logs.values())
        for log in self.logs.values():
            if log not in written_on:
                log.close()

    def _exchange(self, scorer: Scorer, cost: BatchCost) -> None:
        self.predictions.exchange(scorer, cost)
        self._measures.exchanged(scorer.version)

    def _exchange_canary(self, held: ServedShare | None) -> None:
        self.predictions.canary = held
        self._measures.canary(held.share if held else 0.0)
