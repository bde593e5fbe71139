"""A loop whose new model is less sure of itself than the one before, and nothing else has changed: its daily verdicts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads.drift_days import FIRST_DAY, days
from include.foundation.config.data_sections import WATCHED_DAYS
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ["no", "yes"]
EFFECT, LESS_SURE, ROWS = 0.1, 0.03, 1000


class Model:
    """Is as sure of *yes* as the number ``x`` says, less a constant.

    Parameters
    ----------
    less
        The constant.
    """

    classes_ = np.array(CLASSES)

    def __init__(self, less: float) -> None:
        self._less = less

    def predict_proba(self, frame: "pd.DataFrame") -> NDArray[np.float64]:
        """Return the probabilities of rows, (n, 2)."""
        sure = np.clip(0.8 - self._less + 0.05 * frame["x"].to_numpy(), 0.51, 0.99)
        return np.column_stack([1 - sure, sure])


def verdicts_after_deployment(folder: Path, windows: int, generator: np.random.Generator) -> Iterator[DriftVerdict]:
    """Yield the verdicts of the days that version 2 serves, after the reference days that version 1 served.

    Parameters
    ----------
    folder
        Where the loop's store is written.
    windows
        Number of days judged.
    generator
        Source of randomness.
    """
    loop = Loop.model_validate(
        {
            "name": "deployed", "owner": "benchmarks", "description": "A new model is less sure.",
            "task": {"kind": "classification", "classes": CLASSES}, "inputs": {name: {"type": "numeric"} for name in "xy"},
            "logs": {"uri": str(folder / "logs")},
            "training": {"factory": "include.factories:table_classifier", "seed_labels": None},
        }
    )  # fmt: skip
    store, models = LoopStore(loop, str(folder / "store")), {"1": Model(0.0), "2": Model(LESS_SURE)}
    history = loop.drift.reference_days + WATCHED_DAYS
    for number in range(history + windows):
        version = "1" if number < history else "2"
        rows = rows_of(loop, "predictions", _rows(number, version, models[version], generator))
        store.replace_where("predictions", rows, "day", days(number, number).days)
        profile_days(store, days(number, number))
        if number >= history:
            yield detect_drift(
                store, days(number, number), lambda name: LoadedModel(loop, name, "run", "", models[name])
            )


def _rows(number: int, version: str, model: Model, generator: np.random.Generator) -> list[dict[str, Any]]:
    import pandas as pd

    drawn = generator.normal(generator.normal(0, EFFECT, 2), 1, (ROWS, 2))
    sure = model.predict_proba(pd.DataFrame({"x": drawn[:, 0]}))[:, 1]
    moment = FIRST_DAY + timedelta(days=number, hours=1)
    fixed = {"ts": moment, "day": f"{moment:%Y-%m-%d}", "model_version": version, "predicted": "yes"}
    return [
        fixed
        | {"trace_id": f"{number}-{place}", "confidence": float(sure[place]), "input_x": float(x), "input_y": float(y)}
        for place, (x, y) in enumerate(drawn)
    ]
