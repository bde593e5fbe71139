"""The predictions of a window and of its reference, counted under today's names, and only the classes that both could have."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from include.foundation.store.ledgers.taxonomies import classes_added_after
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.drift.profiling.column_profile import Counts, Profile
from include.stages.drift.profiling.counting import bounded, is_bucket


@dataclass(frozen=True)
class ComparableClasses:
    """Counts predictions so that a declared change of classes is no drift.

    Attributes
    ----------
    taxonomy
        The loop's classes.
    added
        Classes that the loop did not have at first: they are compared once every reference day has them.
    """

    taxonomy: Taxonomy
    added: Set[str]

    @classmethod
    def of(cls, store: LoopStore) -> "ComparableClasses":
        """Return those of a loop."""
        return cls(Taxonomy.of(store.loop.task), classes_added_after(store))

    def read(self, current: Sequence[Profile], reference: Sequence[Profile]) -> tuple[list[Profile], list[Profile]]:
        """Return the profiles of predictions under today's names, without rows of classes that cannot be compared.

        Parameters
        ----------
        current, reference
            Profiles of the days of the window and of the reference.
        """
        if not self.added and not self.taxonomy.former:
            return list(current), list(reference)
        known = [{self.taxonomy.shown(name) for name in day.values.categories} for day in reference if day.counted]
        too_new = {name for name in self.added if not all(name in names for names in known)}
        return [self._read(day, too_new) for day in current], [self._read(day, too_new) for day in reference]

    def _read(self, day: Profile, too_new: Set[str]) -> Profile:
        if any(is_bucket(name) for name in day.values.categories):
            return day
        counts: dict[str, int] = {}
        for name, count in zip(day.values.categories, day.values.counts, strict=True):
            shown = self.taxonomy.shown(name)
            if shown not in too_new and not self.taxonomy.is_retired(shown):
                counts[shown] = counts.get(shown, 0) + count
        counts = bounded(counts)
        values = Counts("categorical", list(counts.values()), categories=list(counts))
        return replace(day, rows=day.rows - day.counted + sum(counts.values()), values=values)
