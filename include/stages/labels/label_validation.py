"""Answers become labels by consensus, rules and expectations; what is doubtful is set aside with a reason."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.errors import DataQualityError
from include.foundation.store.ledgers.outcomes import STAGE, current_labels, latest_answers, outcome_id
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.agreement import krippendorff_alpha
from include.stages.labels.consensus import CONSENSUS, Consensus, Votes
from include.stages.labels.domain_rules import broken_rules

Answered = dict[str, list[dict[str, Any]]]
COPIED = ("trace_id", "request_id", "split", "stratum", "inclusion_probability", "evidence_for", "content_key")


@dataclass(frozen=True)
class LabelReport:
    """What became of the requests that were answered newly; ``alpha`` is None where it is not defined.

    ``annotators`` has each pseudonym's number of answers and estimated accuracy over all requests.
    """

    received: int
    accepted: int
    set_aside: int
    alpha: float | None
    annotators: dict[str, tuple[int, float]]


def validate_labels(store: LoopStore) -> LabelReport:
    """Decide every request that has enough answers, or some when its deadline has passed.

    Annotators' reliability is learnt from all answers; rows are written only for sets of answers that were not decided
    before, so running it again changes nothing. A later answer that changes a label supersedes it.

    Raises
    ------
    DataQualityError
        If annotators agree less than ``labels.min_agreement``, or the label batch misses its expectations.
    """
    answered = _answered(store)
    ids = sorted(answered)
    votes, people = _votes(store, [answered[request_id] for request_id in ids])
    consensus = CONSENSUS[store.loop.labels.consensus](votes)
    alpha = krippendorff_alpha(votes)
    _demand_agreement(store, alpha)
    decided = _decide(store, answered, dict(zip(ids, consensus.probabilities, strict=True)))
    labels = rows_of(store.loop, "labels", [row for row in decided if "label_id" in row])
    _demand_expectations(store, labels)
    aside = [row for row in decided if "refusal_id" in row]
    accepted = store.append_new("labels", labels)
    store.append_new("quarantine", rows_of(store.loop, "quarantine", aside))
    return LabelReport(len(decided), accepted.num_rows, len(aside), alpha, _quality(votes, consensus, people))


def _answered(store: LoopStore) -> Answered:
    """Return the newest answers of each request that may be decided, by request."""
    labeling, now = store.loop.labeling, datetime.now(UTC)
    requests = {row["request_id"]: row for row in store.read("requests").to_pylist()}
    answered: Answered = {}
    for answer in latest_answers(store.read("annotations").to_pylist()):
        answered.setdefault(answer["request_id"], []).append(dict(answer))
    limit = timedelta(hours=labeling.deadline_hours)
    return {
        request_id: answers
        for request_id, answers in answered.items()
        if len(answers) >= labeling.overlap
        or (requests[request_id]["pushed_at"] is not None and requests[request_id]["pushed_at"] + limit <= now)
    }


def _votes(store: LoopStore, answers: list[list[dict[str, Any]]]) -> tuple[Votes, list[str]]:
    people = sorted({answer["annotator"] for group in answers for answer in group})
    classes = store.loop.task.classes
    rows = [
        (item, people.index(a["annotator"]), classes.index(a["label"]))
        for item, group in enumerate(answers)
        for a in group
    ]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    votes = Votes(item, annotator, label, items=len(answers), annotators=len(people), classes=len(classes))
    return votes, people


def _decide(
    store: LoopStore, answered: Answered, probabilities: dict[str, np.ndarray[Any, Any]]
) -> list[dict[str, Any]]:
    """Return a labels row or a quarantine row for each set of answers that was not decided before."""
    done = set(store.read("labels", columns=["label_id"]).column(0).to_pylist())
    done |= set(store.read("quarantine", columns=["refusal_id"]).column(0).to_pylist())
    requests = {row["request_id"]: row for row in store.read("requests").to_pylist()}
    present = {row["trace_id"]: row for row in current_labels(store.read("labels")).to_pylist()}
    todo = [
        request_id
        for request_id in sorted(answered)
        if outcome_id(request_id, (answer["annotation_id"] for answer in answered[request_id])) not in done
    ]
    traces = [requests[request_id]["trace_id"] for request_id in todo]
    rows = store.read("predictions", filters=[("trace_id", "in", traces)]).to_pylist() if traces else []
    predictions = {row["trace_id"]: row for row in rows}
    decided = []
    for request_id in todo:
        request = requests[request_id]
        row = _outcome(
            store, request, predictions[request["trace_id"]], answered[request_id], probabilities[request_id]
        )
        before = present.get(request["trace_id"])
        if before is not None and "label_id" in row:
            if before["label"] == row["label"]:
                continue
            row["supersedes"] = before["label_id"]
        decided.append(row)
    return decided


def _outcome(
    store: LoopStore,
    request: dict[str, Any],
    prediction: dict[str, Any],
    answers: list[dict[str, Any]],
    probabilities: Any,
) -> dict[str, Any]:
    """Return the label of a request, or why its answers are set aside."""
    policy = store.loop.labels
    ranked = np.sort(probabilities)[::-1]
    label = store.loop.task.classes[int(np.argmax(probabilities))]
    key = outcome_id(request["request_id"], (answer["annotation_id"] for answer in answers))
    said = Counter(answer["label"] for answer in answers)
    broken = broken_rules(policy.rules, prediction, label)
    if ranked[0] < policy.min_confidence or ranked[0] == ranked[1]:
        reason = f"confidence {ranked[0]:.2f} is below {policy.min_confidence:.2f}: annotators said {dict(said)}"
        return _aside(key, request, "ambiguous", reason)
    if broken:
        return _aside(key, request, "rule_broken", "; ".join(broken))
    own = {name: value for name, value in prediction.items() if name.startswith(("input_", "segment_"))}
    copied = {name: request[name] for name in COPIED}
    return {
        **own,
        **copied,
        "label_id": key,
        "label": label,
        "decided_by": policy.consensus,
        "confidence": min(1.0, float(ranked[0])),
        "annotators": len(answers),
        "agreement": said[label] / len(answers),
        "origin": "annotation",
        "predicted": prediction["predicted"],
        "model_version": prediction["model_version"],
        "ts": prediction["ts"],
        "decided_at": max(answer["created_at"] for answer in answers),
    }


def _aside(key: str, request: dict[str, Any], code: str, reason: str) -> dict[str, Any]:
    return {
        "refusal_id": key,
        "stage": STAGE,
        "source": request["request_id"],
        "trace_id": request["trace_id"],
        "reason_code": code,
        "reason": reason,
        "raw": json.dumps({"request_id": request["request_id"], "batch_id": request["batch_id"]}),
    }


def _demand_agreement(store: LoopStore, alpha: float | None) -> None:
    least = store.loop.labels.min_agreement
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

    wanted: list[tuple[str, dict[str, Any]]] = [
        ("expect_column_values_to_not_be_null", {"column": name}) for name in ("trace_id", "label", "split")
    ]
    bounds = {"min_value": store.loop.labels.min_confidence, "max_value": 1}
    wanted += [
        ("expect_column_values_to_be_unique", {"column": "trace_id"}),
        ("expect_column_values_to_be_in_set", {"column": "label", "value_set": store.loop.task.classes}),
        ("expect_column_values_to_be_between", {"column": "confidence", **bounds}),
    ]
    result = run_suite(suite_of(f"{store.loop.name} labels", wanted), labels.to_pandas())
    newest = max(labels.column("decided_at").to_pylist())
    key = digest_of(labels.column("label_id").to_pylist())[:16]
    title = f"{labels.num_rows:,} labels until {newest:%Y-%m-%d %H:%M} UTC"
    page = publish(store, Judged("labels", newest, key, title, {"rows": f"{labels.num_rows:,}"}), result)
    if not result.success:
        raise DataQualityError(f"The label batch misses expectations; see {page}", result.failures)


def _quality(votes: Votes, consensus: Consensus, people: list[str]) -> dict[str, tuple[int, float]]:
    answers = np.bincount(votes.annotator, minlength=votes.annotators)
    return {person: (int(answers[n]), float(consensus.accuracy[n])) for n, person in enumerate(people)}
