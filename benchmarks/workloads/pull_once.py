"""Pull one day of logs into a loop's store, as a task of a loop would: ``FOLDER FORMAT [DAYS_BEFORE]``."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.measuring import leave
from benchmarks.workloads.log_files import day_before, log_store
from include.stages.logs.pulling import pull_logs


def main() -> None:
    """Pull, and print the report."""
    store = log_store(Path(sys.argv[1]), sys.argv[2])
    day = day_before(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    print(json.dumps(asdict(pull_logs(store, day, b"a key of the benchmarks"))))


if __name__ == "__main__":
    main()
    leave()
