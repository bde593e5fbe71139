"""A loop that watches a data set: predictions day by day, labels of a random share, and a verdict on every window."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.workloads.natural_streams import Stream
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import weighted_mean
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days

FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
DAYS_A_WINDOW = 7
LABELED = 0.3


@dataclass(frozen=True)
class Watched:
    """A data set as a loop served and judged it.

    Attributes
    ----------
    store
        Tables of the loop.
    served
        Rows with ``day``, counted from 0, ``predicted`` and ``confidence``.
    reference_days
        Days of the first period.
    verdicts
        One for each window of seven later days.
    """

    store: LoopStore
    served: pd.DataFrame
    reference_days: int
    verdicts: list[DriftVerdict]

    @property
    def routes(self) -> dict[str, int]:
        """Number of windows by route."""
        return dict(Counter(verdict.route for verdict in self.verdicts))


def watch(stream: Stream, folder: Path) -> Watched:
    """Serve a data set day by day, and judge each window of seven later days against the first period."""
    served = _served(stream)
    days = int((served["period"] == served["period"].iloc[0]).sum() // stream.rows_a_day)
    store = LoopStore(_loop(stream, folder, days), str(folder / "store"))
    _land(store, served, 0, days)
    profile_days(store, _span(0, days))
    _deploy(store, days)
    verdicts = []
    for first in range(days, int(served["day"].max()) - DAYS_A_WINDOW + 2, DAYS_A_WINDOW):
        _land(store, served, first, DAYS_A_WINDOW)
        profile_days(store, _span(first, DAYS_A_WINDOW))
        verdicts.append(detect_drift(store, _span(first, DAYS_A_WINDOW)))
    return Watched(store, served, days, verdicts)


def windows_of(watched: Watched) -> list[pd.DataFrame]:
    """Return the rows of each window."""
    starts = [watched.reference_days + DAYS_A_WINDOW * place for place in range(len(watched.verdicts))]
    day = watched.served["day"]
    return [watched.served[(day >= start) & (day < start + DAYS_A_WINDOW)] for start in starts]


def _served(stream: Stream) -> pd.DataFrame:
    """Return the rows with predictions of a model fitted on the first period; those of the first period are out of fold.

    Rows that do not fill a day are left out, and no day has rows of both the first period and a later one.
    """
    rows = stream.rows
    first = rows["period"] == rows["period"].iloc[0]
    model, inputs = _model(stream), rows[list(stream.inputs)]
    fitted = clone(model).fit(inputs[first], rows.loc[first, "label"])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    within = cross_val_predict(model, inputs[first], rows.loc[first, "label"], cv=folds, method="predict_proba")
    probabilities = np.vstack([within, fitted.predict_proba(inputs[~first])])
    predicted = np.asarray(fitted.classes_)[probabilities.argmax(axis=1)]
    confidence = probabilities.max(axis=1)
    served = rows.assign(predicted=predicted, confidence=confidence, probabilities=list(probabilities))
    parts = [
        part.iloc[: len(part) // stream.rows_a_day * stream.rows_a_day] for part in (served[first], served[~first])
    ]
    full_days: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return full_days.assign(day=np.arange(len(full_days)) // stream.rows_a_day)


def _model(stream: Stream) -> BaseEstimator:
    if "text" in stream.inputs:
        words = ColumnTransformer([("text", TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), "text")])
        return make_pipeline(words, LogisticRegression(C=10, max_iter=1000))
    categories = [name for name, item in stream.inputs.items() if item["type"] == "categorical"]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    table = ColumnTransformer([("codes", codes, categories)], remainder="passthrough")
    return make_pipeline(table, HistGradientBoostingClassifier(random_state=0))


def _loop(stream: Stream, folder: Path, reference_days: int) -> Loop:
    """Return a loop with default thresholds; its reference is the first period, and its days are no weekdays."""
    return Loop.model_validate(
        {
            "name": "natural",
            "owner": "benchmarks",
            "description": f"Watch {stream.name}.",
            "task": {"kind": "classification", "classes": stream.classes},
            "inputs": stream.inputs,
            "logs": {"uri": str(folder / "logs")},
            "training": {"factory": "include.factories:table_classifier", "seed_labels": None},
            "drift": {"reference": "frozen", "reference_days": reference_days, "seasonality": "none"},
        }
    )


def _land(store: LoopStore, served: pd.DataFrame, first: int, days: int) -> None:
    """Store the predictions of some days, and labels of a random share of them."""
    rows = served[(served["day"] >= first) & (served["day"] < first + days)]
    predictions = [_prediction(store.loop, number, row) for number, row in zip(rows.index, _records(rows), strict=True)]
    span = _span(first, days)
    store.replace_where("predictions", rows_of(store.loop, "predictions", predictions), "day", span.days)
    drawn = np.random.default_rng(first).random(len(rows)) < LABELED
    chosen = zip(rows["label"], predictions, drawn, strict=True)
    labels = [_label(store, label, row, span) for label, row, taken in chosen if taken]
    store.append_new("labels", rows_of(store.loop, "labels", labels))


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict(orient="records")]


def _prediction(loop: Loop, number: int, row: dict[str, Any]) -> dict[str, Any]:
    when = FIRST_DAY + timedelta(days=row["day"], hours=12)
    prediction = {"trace_id": f"t{number}", "ts": when, "day": when.date().isoformat(), "model_version": "1"}
    prediction |= {name: row[name] for name in ("predicted", "confidence")}
    prediction |= {column: row[name] for name, column in loop.input_columns.items()}
    return prediction | {"probabilities": row["probabilities"].tolist()}


def _label(store: LoopStore, label: str, row: dict[str, Any], span: Interval) -> dict[str, Any]:
    names = set(pa.schema(store.schema("labels")).names) & set(row)
    values = {name: row[name] for name in names - {"confidence"}}
    values |= {
        "label_id": f"label of {row['trace_id']}",
        "label": label,
        "decided_by": "majority",
        "origin": "annotation",
    }
    values |= {"split": "holdout", "stratum": "random", "inclusion_probability": LABELED, "confidence": 1.0}
    return values | {"content_key": row["trace_id"], "decided_at": span.end}


def _deploy(store: LoopStore, days: int) -> None:
    """Record that the model went live after the first period, promised the accuracy that its labels show."""
    labels = store.read("labels", columns=["label", "predicted", "inclusion_probability"]).to_pylist()
    correct = [float(row["label"] == row["predicted"]) for row in labels]
    promised = weighted_mean(correct, [row["inclusion_probability"] for row in labels])
    entry = {
        "sequence": 1, "model_version": "1", "previous_version": None, "action": "deploy", "why": "", "evidence_digest": "",
        "promised_score": promised.value, "promised_low": promised.low, "promised_high": promised.high,
        "live_from": _span(days, 1).start, "deployed_at": _span(days, 1).start,
    }  # fmt: skip
    store.append_new("deployments", rows_of(store.loop, "deployments", [entry]))


def _span(first: int, days: int) -> Interval:
    return Interval(FIRST_DAY + timedelta(days=first), FIRST_DAY + timedelta(days=first + days))
