"""The classes of a loop, and what became of those it had: the one place where stored names are read as today's."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from include.foundation.config.sections import Task
from include.foundation.errors import ConfigError

if TYPE_CHECKING:  # loop files are checked with it while DAG files are parsed, which imports nothing heavy
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Taxonomy:
    """What the loop file says of classes: those of today, in order, and what each earlier name means now.

    Attributes
    ----------
    classes
        Of today, in the order of every array of probabilities.
    meanings
        Today's class of each name that is declared; None of one that is retired. Any other name is undeclared.

    Examples
    --------
    >>> task = Task(kind="classification", classes=["earn", "cereals"], renamed={"grain": "cereals"}, retired=["ship"])
    >>> taxonomy = Taxonomy.of(task)
    >>> taxonomy.current("grain"), taxonomy.current("ship"), taxonomy.shown("ship")
    ('cereals', None, 'ship')
    """

    classes: tuple[str, ...]
    meanings: dict[str, str | None] = field(repr=False)

    @classmethod
    def of(cls, task: Task) -> "Taxonomy":
        """Return what the section ``task`` of a loop file declares."""
        meanings: dict[str, str | None] = {name: name for name in task.classes} | dict.fromkeys(task.retired)
        ends = {old: _end(old, task.renamed) for old in task.renamed}
        return cls(tuple(task.classes), meanings | {old: meanings[end] for old, end in ends.items() if end in meanings})

    @cached_property
    def digest(self) -> str:
        """What stored probabilities name these classes by: 16 hex digits."""
        from include.foundation.digests import digest_of

        return digest_of(self.classes)[:16]

    @property
    def former(self) -> tuple[str, ...]:
        """Declared names that are no class of today, in order: logs and answers may still use them."""
        return tuple(sorted(self.meanings.keys() - set(self.classes)))

    def current(self, name: str) -> str | None:
        """Return today's class of a stored name; None if it is retired or undeclared."""
        return self.meanings.get(name)

    def shown(self, name: str) -> str:
        """Return today's class of a stored name, and the name itself if it has none: what a model predicted stays visible."""
        return self.meanings.get(name) or name

    def is_retired(self, name: str) -> bool:
        """Tell whether a name is declared, and no class any more."""
        return name in self.meanings and self.meanings[name] is None

    def demand_declared(self, names: Iterable[str], where: str) -> None:
        """Refuse names of which nobody has said what became of them.

        Parameters
        ----------
        names
            As they are stored, each as often as it occurs.
        where
            What they are names in, for the message.

        Raises
        ------
        ConfigError
            With each undeclared name, how often it occurs, and the two ways to declare it.
        """
        if problems := self.undeclared(names, where):
            raise ConfigError("task.classes has lost classes that are in use", problems)

    def undeclared(self, names: Iterable[str], where: str) -> list[str]:
        """Return a sentence for each undeclared name, see `demand_declared`.

        Parameters
        ----------
        names
            As they are stored, each as often as it occurs.
        where
            What they are names in.
        """
        return [
            f"{name!r} is in {count} {where} and not in task.classes: declare it in the loop file as "
            f"`task.renamed: {{{name}: <new name>}}` or as `task.retired: [{name}]`"
            for name, count in sorted(Counter(names).items())
            if name not in self.meanings
        ]

    def without_retired(self, labels: "pa.Table") -> "pa.Table":
        """Return the labels that do not say a retired class."""
        import pyarrow as pa

        keep = [not self.is_retired(name) for name in _names(labels, "label")]
        return labels.filter(pa.array(keep, pa.bool_()))

    def read_labels(self, labels: "pa.Table") -> "pa.Table":
        """Return labels under today's names, without those that say a retired or an undeclared class.

        Parameters
        ----------
        labels
            Rows with ``label``, and ``predicted`` where that is wanted.
        """
        import pyarrow.compute as pc

        rows = labels
        if "predicted" in rows.column_names:
            rows = _with(rows, "predicted", [name and self.shown(name) for name in _names(rows, "predicted")])
        rows = _with(rows, "label", [self.current(name) for name in _names(rows, "label")])
        return rows.filter(pc.is_valid(rows.column("label"))) if rows.num_rows else rows

    def read_probabilities(self, values: Iterable[float], classes: Iterable[str]) -> "NDArray[np.float64]":
        """Return probabilities of other classes as those of today's, (classes,), which add up to 1.

        What renamed classes have is added up; what retired ones have is shared by the others in proportion, or evenly if the
        others have nothing.

        Parameters
        ----------
        values, classes
            Probability and name of each class, in one order.
        """
        import numpy as np

        places = {name: place for place, name in enumerate(self.classes)}
        array = np.zeros(len(places))
        for value, name in zip(values, classes, strict=True):
            meaning = self.current(name)
            if meaning is not None:
                array[places[meaning]] += value
        return array / array.sum() if array.sum() > 0 else np.full(len(places), 1 / len(places))


def _end(name: str, renamed: Mapping[str, str]) -> str:
    """Return what a name was renamed to in the end; of names that go round in a circle, one of them."""
    for _ in renamed:
        name = renamed.get(name, name)
    return name


def _names(rows: "pa.Table", column: str) -> list[Any]:
    values: list[Any] = rows.column(column).to_pylist()
    return values


def _with(rows: "pa.Table", column: str, values: list[Any]) -> "pa.Table":
    import pyarrow as pa

    field = pa.field(column, pa.string())
    return rows.set_column(rows.column_names.index(column), field, pa.array(values, pa.string()))
