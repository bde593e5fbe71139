"""Profile some days and judge one window, as a loop's two tasks do: ``FOLDER FIRST LAST WINDOW_FIRST WINDOW_LAST``."""

import sys
from pathlib import Path

from benchmarks.measuring import leave
from benchmarks.workloads.drift_days import days, drift_store
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days


def main() -> None:
    """Profile, judge, and print the outcome."""
    first, last, window_first, window_last = (int(number) for number in sys.argv[2:])
    store = drift_store(Path(sys.argv[1]))
    profile_days(store, days(first, last))
    print(detect_drift(store, days(window_first, window_last)).outcome)


if __name__ == "__main__":
    main()
    leave()
