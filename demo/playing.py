"""The demo's story: a first champion serves ordinary days, the traffic shifts, a champion goes bad, and the loop answers."""

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from demo.epilogue import gains
from demo.following import STAGES, Follower
from demo.progress import table
from demo.traffic import Kind
from include.foundation.decisions import GateVerdict, latest
from include.foundation.store.ledgers.deployments import history
from include.stages.reports.loop_history import cycles

SEED_LABELS = 100
FIRST_DAY = date(2026, 9, 1)
ORDINARY_ROWS = 40
BAD_DAYS = 5
CYCLES: tuple[Kind, ...] = ("shifted", "traded", "traded")
GUARD_RUNS = 3
SHADOW_DAYS = 3
KINDS: dict[Kind, str] = {
    "ordinary": "an ordinary day",
    "shifted": "topics, and lengths or the scanner, have shifted",
    "traded": "documents are ordinary, but classes have traded places: what was {0} counts as {1}, and what was {1} as {0}",
}


@dataclass
class Story(Follower):
    """What happens in the world, and what the loop makes of it."""

    def play(self, rows: int) -> None:
        """Play the story from the first labels to the rollback."""
        day = self.opening()
        for number, kind in enumerate(CYCLES):
            day = self.cycle(number + 1, day, rows, kind)
        self.undone(day, rows)

    def opening(self) -> date:
        """Train a first champion, let it serve the reference days, and return the day after them."""
        for stage in STAGES:
            self.client.unpause(f"{self.loop.name}.{stage}")
        self.progress.say(f"The gateway at {self.gateway.url} says: {self.gateway.readiness()}")
        self.progress.say(f"The loop starts from {SEED_LABELS} labels: label → retrain → the first champion")
        self.client.trigger(f"{self.loop.name}.label")
        self.run_until_idle(until_deployments=1)
        days = self.loop.drift.reference_days
        end = FIRST_DAY + timedelta(days=days)
        self.serve(FIRST_DAY, end, ORDINARY_ROWS, "ordinary")
        self.pull(FIRST_DAY, end)
        self.run_until_idle()
        return end

    def cycle(self, number: int, day: date, rows: int, kind: Kind) -> date:
        """Serve one day with the present champion, let the scheduler run the loop on it, and return the day after the cycle.

        Parameters
        ----------
        number
            1 for the first cycle.
        day
            The day to serve.
        rows
            How many documents to serve.
        kind
            Of the day.
        """
        self.progress.say("")
        self.progress.say(f"Cycle {number}")
        self.serve(day, day + timedelta(days=1), rows, kind)
        self.client.backfill(f"{self.loop.name}.observe", _midnight(day), _midnight(day))
        self.run_until_idle()
        return self.shadowed(day + timedelta(days=1), kind)

    def shadowed(self, day: date, kind: Kind) -> date:
        """Serve days until the gate has decided on a challenger that waits for live requests, and return the day after them.

        Parameters
        ----------
        day
            The first of them; it is returned if no challenger waits.
        kind
            Of the days.
        """
        end, shadow = day + timedelta(days=SHADOW_DAYS), self.loop.deploy.shadow
        while self.awaits_live() and day < end:
            version = self.gateway.wait_for_challenger()
            asked = self.gateway.asked_challenger()
            self.serve(day, day + timedelta(days=1), math.ceil(shadow.requests / shadow.share), kind)
            asked = self.gateway.asked_challenger() - asked
            self.progress.say(
                f"Shadow phase: version {version} was asked about {asked} of these, and nobody was given its answers"
            )
            day += timedelta(days=1)
            self.pull(day - timedelta(days=1), day)
            self.run_until_idle()
            if self.awaits_live():
                self.run("retrain", {})
                self.run_until_idle()
        return day

    def awaits_live(self) -> bool:
        """Return whether a challenger waits for live requests."""
        verdict = latest(self.store, GateVerdict)
        return verdict is not None and verdict.outcome == "await_live"

    def undone(self, day: date, rows: int) -> None:
        """Serve days on which what the champion learnt last does not hold any more, and have the guard look at it.

        Parameters
        ----------
        day
            The first of them.
        rows
            How many documents to serve on all of them.
        """
        end = day + timedelta(days=BAD_DAYS)
        self.progress.say("")
        self.progress.say("The world changes back")
        self.serve(day, end, rows // BAD_DAYS, "ordinary")
        self.pull(day, end)
        self.run_until_idle()
        known = len(history(self.store))
        for _ in range(GUARD_RUNS):
            self.run("guard", {})
            if len(history(self.store)) > known:
                break
            self.run_until(lambda: not self.waiting())
        self.run_until_idle()

    def serve(self, first: date, end: date, rows: int, kind: Kind) -> None:
        """Let users ask the gateway on each day, and say what answered.

        Parameters
        ----------
        first, end
            The first day, and the one after the last.
        rows
            How many documents a day.
        kind
            Of the days.
        """
        days, answered = (end - first).days, Counter[str]()
        for number in range(days):
            answered += self.traffic.serve_day(first + timedelta(days=number), rows, self.gateway, kind)
        self.gateway.wait_for_logs()
        when = f"on {first}" if days == 1 else f"on {days} days from {first} on"
        by = " and ".join(f"version {version} answered {count} requests" for version, count in answered.items())
        self.progress.say(f"Served {when}: {by}; {KINDS[kind].format(*self.traffic.trades)}")

    def pull(self, first: date, end: date) -> None:
        """Pull days with the trigger form, without asking for labels.

        Parameters
        ----------
        first, end
            The first day, and the one after the last.
        """
        self.run("observe", {"start": _midnight(first).isoformat(), "end": _midnight(end).isoformat(), "budget": 0})

    def summary(self) -> str:
        """Return the table of the cycles, what they gained, and where to look further."""
        reports = f"{self.store.uri}/_files/reports/index.html"
        return "\n".join(
            ["", table(cycles(self.store)), "", *gains(self.store), "", f"Release notes: {reports}",
             f"Airflow's UI with these runs: make up, then {self.airflow.url}"]
        )  # fmt: skip


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
