"""Answers become labels by consensus, domain rules and expectations; doubtful ones are set aside with a reason."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.errors import DataQualityError
from include.foundation.store.ledgers.outcomes import STAGE, current_labels
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.agreement import krippendorff_alpha
from include.stages.labels.answered_requests import AnsweredRequest, answered_requests
from include.stages.labels.consensus import CONSENSUS, votes_of
from include.stages.labels.domain_rules import broken_rules

COPIED = ("trace_id", "request_id", "split", "stratum", "inclusion_probability", "evidence_for", "content_key")


@dataclass(frozen=True)
class LabelReport:
    """What became of the requests with new answers; ``alpha`` is None where it is not defined.

    ``annotators`` has each annotator's number of answers and estimated accuracy over all requests, by pseudonym.
    """

    received: int
    accepted: int
    set_aside: int
    alpha: float | None
    annotators: dict[str, tuple[int, float]]


@dataclass(frozen=True)
class _Proposal:
    """The label that the answers to one request make, before it is accepted or set aside."""

    answered: AnsweredRequest
    prediction: Mapping[str, Any]
    label: str
    confidence: float
    is_tied: bool

    @property
    def answer_counts(self) -> Counter[str]:
        """How many annotators gave each label."""
        return Counter(annotation.label for annotation in self.answered.annotations)


def validate_labels(store: LoopStore) -> LabelReport:
    """Decide every request that has enough answers, or some answers when its deadline has passed.

    The reliability of the annotators is estimated from all answers, but only sets of answers that were not decided before
    become rows, so running it again changes nothing. If later answers change a label, the new label supersedes the old one.

    Raises
    ------
    DataQualityError
        If annotators agree less than ``labels.min_agreement``, or the new labels miss their expectations.
    """
    answered = answered_requests(store)
    annotations = [annotation for request in answered for annotation in request.annotations]
    votes, annotators = votes_of(annotations, store.loop.task.classes)
    consensus = CONSENSUS[store.loop.labels.consensus](votes)
    alpha = krippendorff_alpha(votes)
    _demand_agreement(store.loop, alpha)
    accepted, set_aside = _decide(store, answered, consensus.probabilities)
    labels = rows_of(store.loop, "labels", accepted)
    _demand_expectations(store, labels)
    written = store.append_new("labels", labels)
    store.append_new("quarantine", rows_of(store.loop, "quarantine", set_aside))
    answers = np.bincount(votes.annotator, minlength=votes.annotators)
    quality = {name: (int(answers[n]), float(consensus.accuracy[n])) for n, name in enumerate(annotators)}
    return LabelReport(len(accepted) + len(set_aside), written.num_rows, len(set_aside), alpha, quality)


def _decide(
    store: LoopStore, answered: Sequence[AnsweredRequest], probabilities: NDArray[np.float64]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of ``labels`` and of ``quarantine`` that answers not decided before lead to."""
    labels = store.read("labels")
    decided = set(labels.column("label_id").to_pylist())
    decided |= set(store.read("quarantine", columns=["refusal_id"]).column("refusal_id").to_pylist())
    current = {row["trace_id"]: row for row in current_labels(labels).to_pylist()}
    undecided = [position for position, request in enumerate(answered) if request.label_id not in decided]
    accepted, set_aside = [], []
    for proposal in _proposals(store, [answered[position] for position in undecided], probabilities[undecided]):
        objection = _objection(store.loop, proposal)
        superseded = current.get(proposal.answered.request["trace_id"])
        if objection is not None:
            set_aside.append(_set_aside(proposal, *objection))
        elif superseded is None or superseded["label"] != proposal.label:
            accepted.append(_label(store.loop, proposal, None if superseded is None else superseded["label_id"]))
    return accepted, set_aside


def _proposals(
    store: LoopStore, answered: Sequence[AnsweredRequest], probabilities: NDArray[np.float64]
) -> list[_Proposal]:
    """Return the most probable label of each request."""
    trace_ids = [item.request["trace_id"] for item in answered]
    rows = store.read("predictions", filters=[("trace_id", "in", trace_ids)]).to_pylist() if trace_ids else []
    predictions = {row["trace_id"]: row for row in rows}
    proposals = []
    for item, of_classes in zip(answered, probabilities, strict=True):
        second, first = np.sort(of_classes)[-2:]
        label = store.loop.task.classes[int(np.argmax(of_classes))]
        prediction = predictions[item.request["trace_id"]]
        proposals.append(_Proposal(item, prediction, label, float(first), is_tied=bool(first == second)))
    return proposals


def _objection(loop: Loop, proposal: _Proposal) -> tuple[str, str] | None:
    """Return why a label is not accepted, as a code and a reason; None if it is."""
    least = loop.labels.min_confidence
    if proposal.confidence < least or proposal.is_tied:
        counts = dict(proposal.answer_counts)
        return "ambiguous", f"confidence {proposal.confidence:.2f} is below {least:.2f}: annotators said {counts}"
    broken = broken_rules(loop.labels.rules, proposal.prediction, proposal.label)
    return ("rule_broken", "; ".join(broken)) if broken else None


def _label(loop: Loop, proposal: _Proposal, supersedes: str | None) -> dict[str, Any]:
    prediction, annotations = proposal.prediction, proposal.answered.annotations
    columns = {name: value for name, value in prediction.items() if name.startswith(("input_", "segment_"))}
    columns |= {name: proposal.answered.request[name] for name in COPIED}
    return columns | {
        "label_id": proposal.answered.label_id,
        "label": proposal.label,
        "decided_by": loop.labels.consensus,
        "confidence": min(1.0, proposal.confidence),
        "annotators": len(annotations),
        "agreement": proposal.answer_counts[proposal.label] / len(annotations),
        "origin": "annotation",
        "supersedes": supersedes,
        "predicted": prediction["predicted"],
        "model_version": prediction["model_version"],
        "ts": prediction["ts"],
        "decided_at": max(annotation.created_at for annotation in annotations),
    }


def _set_aside(proposal: _Proposal, code: str, reason: str) -> dict[str, Any]:
    request = proposal.answered.request
    return {
        "refusal_id": proposal.answered.label_id,
        "stage": STAGE,
        "source": request["request_id"],
        "trace_id": request["trace_id"],
        "reason_code": code,
        "reason": reason,
        "raw": json.dumps({"request_id": request["request_id"], "batch_id": request["batch_id"]}),
    }


def _demand_agreement(loop: Loop, alpha: float | None) -> None:
    least = loop.labels.min_agreement
    if alpha is not None and alpha < least:
        raise DataQualityError(
            f"Annotators agree too little: Krippendorff's alpha is {alpha:.2f}, labels.min_agreement is {least:.2f}; "
            "look at the instructions and at the annotators"
        )


def _demand_expectations(store: LoopStore, labels: pa.Table) -> None:
    if labels.num_rows == 0:
        return
    from include.foundation.quality.data_docs import Judged, publish
    from include.foundation.quality.expectations import run_suite, suite_of

    expectations: list[tuple[str, dict[str, Any]]] = [
        ("expect_column_values_to_not_be_null", {"column": name}) for name in ("trace_id", "label", "split")
    ]
    bounds = {"min_value": store.loop.labels.min_confidence, "max_value": 1}
    expectations += [
        ("expect_column_values_to_be_unique", {"column": "trace_id"}),
        ("expect_column_values_to_be_in_set", {"column": "label", "value_set": store.loop.task.classes}),
        ("expect_column_values_to_be_between", {"column": "confidence", **bounds}),
    ]
    result = run_suite(suite_of(f"{store.loop.name} labels", expectations), labels.to_pandas())
    newest = max(labels.column("decided_at").to_pylist())
    key = digest_of(labels.column("label_id").to_pylist())[:16]
    title = f"{labels.num_rows:,} labels until {newest:%Y-%m-%d %H:%M} UTC"
    page = publish(store, Judged("labels", newest, key, title, {"rows": f"{labels.num_rows:,}"}), result)
    if not result.success:
        raise DataQualityError(f"The label batch misses expectations; see {page}", result.failures)
