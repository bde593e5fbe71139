"""Read some columns of Parquet files, row group by row group, and do nothing: what any check must pay. ``FRAMES SIDE…``."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq


def main() -> None:
    """Read."""
    told = json.loads(Path(sys.argv[1]).read_text())
    for side in sys.argv[2:]:
        for path in told[side]:
            file = pq.ParquetFile(path)
            for group in range(file.num_row_groups):
                file.read_row_group(group, columns=[*told["numeric"], *told["categorical"]], use_threads=False)


if __name__ == "__main__":
    main()
