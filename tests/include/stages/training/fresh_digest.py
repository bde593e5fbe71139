"""Print a dataset's model digest: ``python -m tests.include.stages.training.fresh_digest <store>``, a process of its own."""

import sys
from pathlib import Path

from include.foundation.decisions import PublishedDataset, latest
from include.stages.labels.datasets import read_dataset
from include.stages.training.fitting import fit, model_digest
from tests.include.stages.training.challenger_builders import make_label_store


def main(folder: str) -> None:
    store = make_label_store(Path(folder))
    published = latest(store, PublishedDataset)
    assert published is not None
    dataset = read_dataset(store, published.subject)
    sys.stdout.write(model_digest(store, dataset, fit(store, dataset)))


if __name__ == "__main__":
    main(sys.argv[1])
