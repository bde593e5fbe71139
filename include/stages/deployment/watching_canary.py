"""Whether a canary goes on: stopped where it is worse or fails, held where nothing is known or callers are mixed up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from include.foundation.config.promotion_sections import Canary as Bounds
from include.foundation.decisions import GuardVerdict, find
from include.foundation.decisions.guard_verdict import CanaryTraffic
from include.foundation.store.ledgers.deployments import Canary
from include.foundation.store.tables import LoopStore
from include.stages.deployment.canary_traffic import canary_traffic, fails_more, is_mismatch
from include.stages.deployment.paired_evidence import PairedEvidence

HOLDS = "holds: "


def canary_verdict(
    store: LoopStore, running: Canary, paired: PairedEvidence, *, needed: float, ask: int
) -> GuardVerdict:
    """Return the verdict on a canary's step.

    Parameters
    ----------
    store
        Tables of the loop.
    running
        The canary.
    paired
        What labels tell of it beside what is live, on the rows that it served.
    needed
        E-value that shows that it is worse by more than is allowed.
    ask
        How many labels a day to ask for where the two differ.

    Notes
    -----
    The test of labels is the guard's own, and goes on when the version is live: so its error budget is for the whole life. Each
    look at the sample ratio takes its part of another budget, see `include.stages.deployment.canary_traffic.is_mismatch`.
    """
    traffic, bounds = canary_traffic(store, running), store.loop.deploy.canary
    digest = running.first.evidence_digest
    looks = 1 + sum(one.deployment == digest and one.traffic is not None for one in find(store, GuardVerdict))
    is_worse, over = paired.evidence.e_value >= needed, _is_over(running, bounds)
    outcome, next_ = canary_outcome(traffic, bounds, is_worse=is_worse, look=looks, over=over)
    reasons = (_state(running, traffic, bounds), _beside(running, paired, needed), next_)
    return GuardVerdict(
        subject=running.first.model_version, outcome=outcome, reasons=reasons, needed=needed, deployment=digest,
        predecessor=running.first.previous_version, difference=paired.difference, worse_e_value=paired.evidence.e_value,
        ask=0 if outcome == "broken" else ask, share=running.share, traffic=traffic,
    )  # fmt: skip


def canary_outcome(traffic: CanaryTraffic, bounds: Bounds, *, is_worse: bool, look: int, over: bool) -> tuple[str, str]:
    """Return what becomes of a canary, and why.

    Parameters
    ----------
    traffic
        Of its step.
    bounds
        What is asked for and allowed.
    is_worse
        Whether labels show that it is worse than what is live.
    look
        Number of the look at it, from 1.
    over
        Whether the step has lasted long enough.
    """
    rules: Sequence[tuple[bool, str, str]] = (
        (is_worse, "broken", "It is worse than what is live: it is stopped."),
        (fails_more(traffic, bounds), "broken", "It fails more often than what is live: it is stopped."),
        (not traffic.requests, "no_data", f"{HOLDS}no data: no request that it answered is logged since."),
        (is_mismatch(traffic, look), "mismatch", f"{HOLDS}callers are not served as its share says."),
        (
            traffic.requests < bounds.requests,
            "inconclusive",
            f"{HOLDS}{bounds.requests:,} requests are needed in a step.",
        ),
        (not over, "inconclusive", f"The step lasts {bounds.step_hours:g} hours."),
    )
    return next(((outcome, why) for holds, outcome, why in rules if holds), ("advance", "The next step begins."))


def canary_in_words(running: Canary) -> str:
    """Return which share of the callers a canary serves, and since when."""
    since = f"{running.step.deployed_at:%Y-%m-%d %H:%M}"
    return f"canary: version {running.first.model_version} serves {running.share:.0%} of the callers since {since} UTC"


def _is_over(running: Canary, bounds: Bounds) -> bool:
    return datetime.now(UTC) >= running.step.deployed_at + timedelta(hours=bounds.step_hours)


def _state(running: Canary, traffic: CanaryTraffic, bounds: Bounds) -> str:
    failed = f"{traffic.failures:,} and {traffic.served_failures:,}"
    ratio = "unknown" if traffic.p_value is None else f"p = {traffic.p_value:.2g}"
    return (
        f"{canary_in_words(running)}: {traffic.requests:,} of {bounds.requests:,} requests; version "
        f"{running.first.previous_version} answered {traffic.served:,}. They failed on {failed}. Of {traffic.callers:,} "
        f"callers it served {traffic.by_canary:,} ({ratio}), {traffic.by_both:,} were served by both."
    )


def _beside(running: Canary, paired: PairedEvidence, needed: float) -> str:
    live = running.first.previous_version
    if paired.share is None:
        return f"It was not compared with version {live} on the same rows yet; see request_comparison."
    return (
        f"On the same rows, of which they answer {paired.share:.1%} differently, it scores {paired.difference} more than "
        f"version {live}; e-value {paired.evidence.e_value:.3g}, {needed:.3g} would show that it is worse by too much."
    )
