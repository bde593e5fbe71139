"""Rows on which the newest challenger and the champion disagree, as people see them: read when somebody looks."""

from dataclasses import dataclass

from include.foundation.decisions import Evaluation, latest
from include.foundation.decisions.challenger_evaluation import DisagreementExample
from include.foundation.store.tables import LoopStore

READ = ("decisions", "labels")
MOST_SHOWN = 400  # characters of an input


@dataclass(frozen=True)
class DisagreeingRow:
    """An example, and the row's inputs by name, each shortened; None of an input that is not given."""

    example: DisagreementExample
    inputs: dict[str, str | None]


@dataclass(frozen=True)
class Disagreements:
    """The newest evaluation, and its examples whose labels are still there; ``gone`` counts the others."""

    evaluation: Evaluation
    rows: tuple[DisagreeingRow, ...]
    gone: int


def disagreeing_rows(store: LoopStore) -> Disagreements | None:
    """Return the examples of the newest evaluation with their inputs; None before the first evaluation.

    Evaluations keep only ids: a row that was erased is not shown.

    Parameters
    ----------
    store
        Tables of the loop.
    """
    evaluation = latest(store, Evaluation)
    if evaluation is None:
        return None
    ids = [example.label_id for example in evaluation.examples]
    columns = store.loop.input_columns
    known = store.read("labels", columns=["label_id", *columns.values()], filters=[("label_id", "in", ids)]).to_pylist()
    inputs = {row["label_id"]: {name: _shown(row[column]) for name, column in columns.items()} for row in known}
    rows = tuple(
        DisagreeingRow(example, inputs[example.label_id])
        for example in evaluation.examples
        if example.label_id in inputs
    )
    return Disagreements(evaluation, rows, len(ids) - len(rows))


def _shown(value: object) -> str | None:
    if value is None:
        return None
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} …"
