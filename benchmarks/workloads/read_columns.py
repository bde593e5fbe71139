"""Read some columns of Parquet files, row group by row group: the least that any check costs. ``FRAMES WINDOW…``."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq


def main() -> None:
    """Read."""
    frames = json.loads(Path(sys.argv[1]).read_text())
    for window in sys.argv[2:]:
        for path in frames[window]:
            file = pq.ParquetFile(path)
            for group in range(file.num_row_groups):
                file.read_row_group(group, columns=[*frames["numeric"], *frames["categorical"]], use_threads=False)


if __name__ == "__main__":
    main()
