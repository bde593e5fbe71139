"""Which classes a loop had from when on: what stored probabilities speak of, and which classes came later."""

from datetime import datetime
from typing import Any

import pyarrow as pa

from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy


def note_taxonomy(store: LoopStore, since: datetime) -> None:
    """Write down the classes of today, before rows speak of them; nothing happens if they are known.

    Parameters
    ----------
    store
        Tables of the loop.
    since
        Start of the data interval that is pulled.
    """
    taxonomy = Taxonomy.of(store.loop.task)
    row = {"taxonomy": taxonomy.digest, "classes": list(taxonomy.classes), "since": since}
    store.append_new("taxonomies", rows_of(store.loop, "taxonomies", [row]))


def classes_by_taxonomy(store: LoopStore) -> dict[str, list[str]]:
    """Return the classes of each taxonomy that probabilities were ever stored for, in the order of the probabilities."""
    return {row["taxonomy"]: row["classes"] for row in store.read("taxonomies").to_pylist()}


def read_predictions(store: LoopStore, rows: pa.Table) -> pa.Table:
    """Return predictions under today's names of classes, and with the probabilities of today's classes.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Rows of ``predictions`` with ``predicted``, ``probabilities`` and ``taxonomy``. Probabilities whose taxonomy is not
        known are left out: nobody can tell what they speak of.
    """
    taxonomy = Taxonomy.of(store.loop.task)
    if taxonomy.former:
        names = [taxonomy.shown(name) for name in rows.column("predicted").to_pylist()]
        rows = _replaced(rows, "predicted", names)
    if not taxonomy.former and set(rows.column("taxonomy").unique().to_pylist()) <= {taxonomy.digest}:
        return rows
    known = classes_by_taxonomy(store)
    pairs = zip(rows.column("probabilities").to_pylist(), rows.column("taxonomy").to_pylist(), strict=True)
    read = [
        None if values is None or of not in known else taxonomy.read_probabilities(values, known[of]).tolist()
        for values, of in pairs
    ]
    return _replaced(rows, "probabilities", read)


def _replaced(rows: pa.Table, column: str, values: list[Any]) -> pa.Table:
    field = rows.schema.field(column)
    return rows.set_column(rows.schema.get_field_index(column), field, pa.array(values, field.type))


def undeclared_classes(store: LoopStore) -> list[str]:
    """Return a sentence for each class that rows still use and the loop file neither lists nor declares, with their number."""
    taxonomy = Taxonomy.of(store.loop.task)
    labels = store.read("labels", columns=["label"]).column("label").to_pylist()
    annotations = store.read("annotations", columns=["label"]).column("label").to_pylist()
    spoken = [name for classes in classes_by_taxonomy(store).values() for name in classes]
    return [
        *taxonomy.undeclared(labels, "labels"),
        *taxonomy.undeclared(filter(None, annotations), "annotations"),
        *taxonomy.undeclared(spoken, "taxonomies of logged probabilities"),
    ]


def classes_added_after(store: LoopStore, moment: datetime | None = None) -> set[str]:
    """Return today's classes that no taxonomy until a moment had, under any name: rows and models before cannot know them.

    Parameters
    ----------
    store
        Tables of the loop.
    moment
        In log time; before the loop's first taxonomy, or None, it is what that one did not have.

    Returns
    -------
    set of str
        Empty if there is no taxonomy to compare with.
    """
    noted = sorted(store.read("taxonomies").to_pylist(), key=lambda row: (row["since"], row["taxonomy"]))
    until = [row for row in noted if moment is not None and row["since"] <= moment]
    known = until or noted[:1]
    taxonomy = Taxonomy.of(store.loop.task)
    return (
        set()
        if not known
        else set(taxonomy.classes) - {taxonomy.current(name) for row in known for name in row["classes"]}
    )
