"""Print the model digest of a dataset in a process of its own: ``python -m tests.include.training.fresh_digest <store>``."""

import sys
from pathlib import Path

from include.labels.dataset import read_dataset
from include.store.decisions import latest
from include.training.fitting import fit, model_digest
from tests.include.training.challenger_builders import make_label_store


def main(folder: str) -> None:
    store = make_label_store(Path(folder))
    published = latest(store, "dataset")
    assert published is not None
    dataset = read_dataset(store, published.subject)
    sys.stdout.write(model_digest(store, dataset, fit(store, dataset)))


if __name__ == "__main__":
    main(sys.argv[1])
