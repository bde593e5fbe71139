"""Evidently: the data drift preset with an explicit definition of the columns; drifted if half of them did, its default."""

from collections.abc import Sequence
from typing import Any

from evidently import DataDefinition, Dataset, Report  # type: ignore[import-not-found]  # in its own environment
from evidently.presets import DataDriftPreset  # type: ignore[import-not-found]  # in its own environment

from benchmarks.peers import frames

SHARE = 0.5


def judge(reference: Any, windows: Sequence[Any], columns: frames.Columns, variant: str) -> list[bool]:
    """Run the preset on every window, with its default tests or ``psi``.

    Parameters
    ----------
    reference, windows, columns, variant
        As `benchmarks.peers.frames.main` says.
    """
    definition = DataDefinition(numerical_columns=columns.numeric, categorical_columns=columns.categorical)
    before = Dataset.from_pandas(reference, data_definition=definition)
    found = []
    for window in windows:
        preset = DataDriftPreset(method="psi") if variant == "psi" else DataDriftPreset()
        report = Report([preset]).run(Dataset.from_pandas(window, data_definition=definition), before).dict()
        count = next(one for one in report["metrics"] if one["metric_name"].startswith("DriftedColumnsCount"))
        found.append(bool(count["value"]["share"] >= SHARE))
    return found


if __name__ == "__main__":
    frames.main(judge)
