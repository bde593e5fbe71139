"""The label that the answers to a request make, and why it is not accepted where it is not."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loop_file import Loop
from include.foundation.store.ledgers.outcomes import STAGE
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labeling.requested_rows import requested_predictions
from include.stages.labels.answered_requests import AnsweredRequest
from include.stages.labels.consensus import Opinion, consensus_of
from include.stages.labels.domain_rules import broken_rules
from include.stages.labels.label_origins import origin_of

COPIED = (
    "trace_id", "request_id", "split", "stratum", "inclusion_probability", "evidence_for", "content_key", "near_key",
    "group_key", "hidden_prelabel",
)  # fmt: skip

DIGITS = 9  # of a confidence: the last bits depend on the order in which annotators are summed up, which is that of pseudonyms


@dataclass(frozen=True)
class Proposal:
    """The label that the answers to one request make.

    Attributes
    ----------
    answered
        The request's answers.
    request, prediction
        Its rows of ``requests`` and ``predictions``.
    label, confidence
        The most probable class, and its probability.
    is_tied
        Whether another class is as probable.
    decided_by
        The consensus, or the name of the tier.
    prelabel
        What the model said, under today's name; None if that is no class of today.
    """

    answered: AnsweredRequest
    request: Mapping[str, Any]
    prediction: Mapping[str, Any]
    label: str
    confidence: float
    is_tied: bool
    decided_by: str
    prelabel: str | None = None

    @property
    def answer_counts(self) -> Counter[str]:
        """How many annotators gave each label."""
        return Counter(annotation.label for annotation in self.answered.votes)

    @property
    def tier(self) -> int:
        """The tier that was asked, from 1."""
        return self.answered.tier

    def is_news_to(self, label: Mapping[str, Any] | None, taxonomy: Taxonomy) -> bool:
        """Tell whether the row has no present label, or one of another class or of a tier before."""
        if label is None:
            return True
        return taxonomy.current(label["label"]) != self.label or (label["tier"] or FIRST_TIER) < self.tier

    @property
    def rationale(self) -> str | None:
        """What those who gave the label said of it; None if nothing."""
        said = [each.comment for each in self.answered.votes if each.label == self.label and each.comment]
        return "; ".join(said) or None

    @property
    def origin(self) -> str:
        """Where the label comes from: ``origin`` of the table ``labels``."""
        return origin_of(self.label, self.prelabel, is_hidden=self.request["hidden_prelabel"])

    @property
    def agreement(self) -> float | None:
        """Share of the votes that are the label; None without votes."""
        return self.answer_counts[self.label] / len(self.answered.votes) if self.answered.votes else None


def proposals_of(
    store: LoopStore, answered: Sequence[AnsweredRequest], opinions: Mapping[str, Opinion]
) -> list[Proposal]:
    """Return the proposal of each answered request.

    Parameters
    ----------
    store
        Tables of the loop.
    answered
        Requests to decide.
    opinions
        What is thought of each request, by its id; one that is missing here has no votes.
    """
    ids = [item.request_id for item in answered]
    ledger = store.read("requests", filters=[("request_id", "in", ids)]).to_pylist() if ids else []
    requests = {row["request_id"]: row for row in ledger}
    predictions, taxonomy = requested_predictions(store, ledger), Taxonomy.of(store.loop.task)
    proposals, nothing = [], Opinion(np.zeros(len(store.loop.task.classes)), consensus_of(store.loop))
    for item in answered:
        opinion = opinions.get(item.request_id, nothing)
        of_classes = _of_classes(store.loop, item, opinion.probabilities).round(DIGITS)
        second, first = np.sort(of_classes)[-2:]
        label = store.loop.task.classes[int(np.argmax(of_classes))]
        rows = requests[item.request_id], predictions[item.request_id]
        tied = bool(first == second)
        by = opinion.decided_by if store.loop.weighs(item.tier) else store.loop.tier(item.tier).name
        said = taxonomy.current(rows[0]["prelabel"] or "")
        proposals.append(Proposal(item, *rows, label, float(first), is_tied=tied, decided_by=by, prelabel=said))
    return proposals


def _of_classes(loop: Loop, item: AnsweredRequest, weighed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities that decide: the weighed ones, but a tier of its own decides by the most votes.

    Where the votes of the last tier are even, the weighed ones decide between these classes, so that there is a label.
    """
    if loop.weighs(item.tier) or not item.votes:
        return weighed
    votes = Counter(annotation.label for annotation in item.votes)
    shares = np.array([votes[name] / len(item.votes) for name in loop.task.classes])
    most = shares == shares.max()
    if most.sum() == 1 or not loop.is_last_tier(item.tier):
        return shares
    favourite = np.argmax(np.where(most, weighed, -1.0))
    return np.where(np.arange(len(shares)) == favourite, shares + 10.0**-DIGITS, shares)


CAUSES = {
    "ambiguous": "annotators did not agree",
    "declined": "annotators declined it",
    "rule_broken": "the answer breaks a rule",
    "inconsistent": "the answer contradicts another one",
}


class Why(NamedTuple):
    """Why a label is not accepted, or a later tier is asked: the cause as a name, and what is to be said of it."""

    cause: str
    detail: str

    @property
    def cause_in_words(self) -> str:
        """The cause, as those may read it who are blind to what was answered."""
        return CAUSES.get(self.cause, self.cause.replace("_", " "))


def objection(loop: Loop, proposal: Proposal) -> Why | None:
    """Return why a label is not accepted; None if it is.

    The last tier of several knows the rules, and decides nonetheless; what it declines is withdrawn.
    """
    is_last = loop.is_last_tier(proposal.tier)
    votes, declined = len(proposal.answered.votes), len(proposal.answered.annotations) - len(proposal.answered.votes)
    if declined >= max(votes, 1):
        said = "; ".join(each.comment for each in proposal.answered.annotations if each.comment and not each.is_vote)
        if is_last:
            return Why(
                "withdrawn", f"withdrawn by tier {loop.tier(proposal.tier).name}: {said or 'no reason was given'}"
            )
        told = f" ({said})" if said else ""
        return Why(
            "declined",
            f"{declined} of {votes + declined} annotators declined{told}: look at whether it can be answered",
        )
    least = loop.labels.min_confidence if loop.weighs(proposal.tier) else 0.0
    if proposal.confidence < least or proposal.is_tied:
        counts = dict(sorted(proposal.answer_counts.items()))
        return Why("ambiguous", f"confidence {proposal.confidence:.2f} is below {least:.2f}: annotators said {counts}")
    broken = [] if is_last else broken_rules(loop.labels.rules, proposal.prediction, proposal.label)
    return Why("rule_broken", "; ".join(broken)) if broken else None


def label_row(proposal: Proposal, supersedes: str | None) -> dict[str, Any]:
    """Return the row of ``labels`` of an accepted proposal.

    Parameters
    ----------
    proposal
        What is accepted.
    supersedes
        Id of the label that it replaces, if there is one.
    """
    prediction, answered = proposal.prediction, proposal.answered
    columns = {name: value for name, value in prediction.items() if name.startswith(("input_", "segment_"))}
    columns |= {name: proposal.request[name] for name in COPIED}
    return columns | {
        "label_id": answered.label_id,
        "label": proposal.label,
        "decided_by": proposal.decided_by,
        "tier": proposal.tier,
        "rationale": proposal.rationale,
        "confidence": proposal.confidence,
        "annotators": len(answered.votes),
        "agreement": proposal.agreement,
        "origin": proposal.origin,
        "supersedes": supersedes,
        "predicted": prediction["predicted"],
        "model_version": prediction["model_version"],
        "ts": prediction["ts"],
        "decided_at": answered.newest,
    }


def set_aside_row(proposal: Proposal, why: Why) -> dict[str, Any]:
    """Return the row of ``quarantine`` of a proposal that is set aside.

    Parameters
    ----------
    proposal
        What is set aside.
    why
        See `objection`.
    """
    request = proposal.request
    return {
        "refusal_id": proposal.answered.label_id,
        "stage": STAGE,
        "source": request["request_id"],
        "trace_id": request["trace_id"],
        "reason_code": why.cause,
        "reason": why.detail,
        "raw": json.dumps({"request_id": request["request_id"], "batch_id": request["batch_id"]}),
    }
