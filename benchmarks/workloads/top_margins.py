"""Read probabilities from Parquet files and keep the smallest margins: the least that choosing costs. ``ROWS FILE…``."""

import sys

import numpy as np
import pyarrow.parquet as pq

CLASSES, BATCH = 10, 1 << 16


def main() -> None:
    """Print the largest score that was kept."""
    wanted, best = int(sys.argv[1]), np.empty(0)
    for path in sys.argv[2:]:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            columns = ["probabilities"]
            for batch in file.iter_batches(BATCH, row_groups=[group], columns=columns, use_threads=False):
                chances = batch.column(0).flatten().to_numpy().reshape(-1, CLASSES)
                largest = np.partition(chances, -2, axis=1)[:, -2:]
                scores = np.concatenate([best, 1 - (largest[:, 1] - largest[:, 0])])
                best = scores[np.argpartition(scores, -wanted)[-wanted:]]
    print(float(best.max()))


if __name__ == "__main__":
    main()
