"""Choose a batch from a day, as the task does: ``FOLDER``."""

import sys
from pathlib import Path

from benchmarks.measuring import leave
from benchmarks.workloads.selection_day import INTERVAL, selection_store
from include.stages.selection.selecting import select_samples


def main() -> None:
    """Choose, and print how many rows were looked at and are asked about."""
    report = select_samples(selection_store(Path(sys.argv[1])), INTERVAL)
    print(report.frame_rows, report.requests)


if __name__ == "__main__":
    main()
    leave()
