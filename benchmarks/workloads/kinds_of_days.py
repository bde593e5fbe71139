"""Loops whose days are ordinary in many ways, and shifts of them, as profiles in a store: what whole verdicts are judged on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.workloads.drift_days import FIRST_DAY, days
from benchmarks.workloads.shifts import CHANGES, COLUMNS, MISSING, SHARES, Shift
from benchmarks.workloads.simulated_days import EDGES, INNER
from include.foundation.config.data_sections import WATCHED_DAYS, Drift
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.foundation.statistics.calibrated_confidence import CONFIDENCE_EDGES
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.column_profile import Counts, Profile

DAY, CONFIDENCE, CONFIDENCE_SD = 0.1, 0.8, 0.08
EFFECTS = COLUMNS + 3  # of the numbers, the shares, the confidence, and the length of the text
LENGTHS, LENGTH_SD = ("t:characters", "t:words"), 0.5  # of a text, and the sd of their logarithm
LENGTH_EDGES = [0.0 if edge == -np.inf else float(np.exp(LENGTH_SD * edge)) for edge in EDGES]
PAY_DAYS, SPECIAL = (1, 15), 0.5
Numbers = NDArray[np.float64]
Effects = Callable[[np.random.Generator, int], Numbers]


@dataclass(frozen=True)
class Kind:
    """A kind of days.

    Attributes
    ----------
    name
        Of the case.
    effects
        Draws how far the columns are moved on each day, (days, columns).
    day
        Size of these effects, also of shares and confidence.
    rows
        Rows a day; for ``volume`` between a third and three times as many.
    drift
        Section of the loop file.
    segments
        Values of the one segment; 0 for none.
    shift
        What changes once the windows begin.
    """

    name: str
    effects: Effects
    day: float = DAY
    rows: int = 1000
    drift: dict[str, Any] = field(default_factory=dict)
    segments: int = 0
    shift: Shift | None = None


def independent(generator: np.random.Generator, count: int) -> Numbers:
    """Return independent normal effects of variance 1, (days, columns)."""
    return generator.normal(size=(count, EFFECTS))


def autoregressive(generator: np.random.Generator, count: int) -> Numbers:
    """Return effects that depend on the day before, with a correlation of 0.7."""
    effects = generator.normal(size=(count, EFFECTS))
    for number in range(1, count):
        effects[number] = 0.7 * effects[number - 1] + np.sqrt(1 - 0.49) * effects[number]
    return effects


def heavy(generator: np.random.Generator, count: int) -> Numbers:
    """Return effects of Student's t with three degrees of freedom."""
    return generator.standard_t(3, size=(count, EFFECTS))


def trending(generator: np.random.Generator, count: int) -> Numbers:
    """Return effects that rise by a tenth of their standard deviation a day."""
    return independent(generator, count) + 0.1 * np.arange(count)[:, None]


def paid(generator: np.random.Generator, count: int) -> Numbers:
    """Return effects that are far out on two days of each month."""
    return independent(generator, count) + _special(count, lambda day: day.day in PAY_DAYS)


def kept(generator: np.random.Generator, count: int) -> Numbers:
    """Return effects that are far out on German holidays."""
    import holidays

    dates = holidays.country_holidays("DE")
    return independent(generator, count) + _special(count, lambda day: day in dates)


ORDINARY = (
    Kind("ar", autoregressive), Kind("t3", heavy), Kind("trend", trending),
    Kind("month", paid, drift={"days_of_month": list(PAY_DAYS)}), Kind("holiday", kept, drift={"holidays": "DE"}),
    Kind("volume", independent), Kind("days-14", independent, drift={"reference_days": 14}),
    Kind("segments", independent, segments=3),
)  # fmt: skip
SHIFTS = (
    *(Kind(f"power {name}", independent, day=DAY / 2, shift=shift) for name, shift in CHANGES.items()),
    Kind("power mean +0.5 sd in one of ten segments", independent, day=DAY / 2, segments=10, shift=Shift(segment=0.5)),
)


def daily_verdicts(kind: Kind, folder: Path, windows: int, generator: np.random.Generator) -> Iterator[DriftVerdict]:
    """Yield the verdict of each day after the reference days of a new loop.

    Parameters
    ----------
    kind
        Of its days.
    folder
        Where the loop's store is written.
    windows
        Number of days judged.
    generator
        Source of randomness.
    """
    yield from verdicts_on(kind, folder, windows, drawn(kind, windows, generator))


def drawn(kind: Kind, windows: int, generator: np.random.Generator) -> list[Profile]:
    """Return the profiles of the days before a loop's windows, and of the windows.

    Parameters
    ----------
    kind
        Of its days.
    windows
        Number of days after those that come before.
    generator
        Source of randomness.
    """
    return list(_profiles(kind, _history(kind), windows, generator))


def verdicts_on(kind: Kind, folder: Path, windows: int, profiles: Sequence[Profile]) -> Iterator[DriftVerdict]:
    """Yield the verdict of each of the last days that were `drawn`.

    Parameters
    ----------
    kind
        Of the days.
    folder
        Where the loop's store is written.
    windows
        Number of days judged.
    profiles
        Of all days.
    """
    loop, first = _loop(kind, folder), _history(kind)
    store = LoopStore(loop, str(folder / "store"))
    store.append_new("profiles", rows_of(loop, "profiles", [profile.to_row() for profile in profiles]))
    for number in range(first, first + windows):
        yield detect_drift(store, days(number, number))


def _history(kind: Kind) -> int:
    year = 366 if kind.name in {"month", "holiday"} else 0
    return Drift(**kind.drift).reference_days + WATCHED_DAYS + year


def _loop(kind: Kind, folder: Path) -> Loop:
    inputs: dict[str, Any] = {f"n{place}": {"type": "numeric"} for place in range(COLUMNS)} | {
        "c": {"type": "categorical"},
        "t": {"type": "text"},
    }
    return Loop.model_validate(
        {
            "name": "kinds", "owner": "benchmarks", "description": "Nothing happens.",
            "task": {"kind": "classification", "classes": list(SHARES)}, "inputs": inputs,
            "segments": ["desk"] if kind.segments else [], "logs": {"uri": str(folder / "logs")}, "drift": kind.drift,
            "training": {"factory": "include.factories:table_classifier", "seed_labels": None},
        }
    )  # fmt: skip


def _profiles(kind: Kind, history: int, windows: int, generator: np.random.Generator) -> Iterator[Profile]:
    segments = ["", *(f"desk={number}" for number in range(kind.segments))]
    for place, segment in enumerate(segments):
        effects = kind.effects(generator, history + windows) * kind.day
        rows = kind.rows if not place else max(1, kind.rows // kind.segments)
        for number, effect in enumerate(effects):
            is_shifted = kind.shift is not None and number >= history
            shift = kind.shift if kind.shift and is_shifted else Shift()
            count = rows if kind.name != "volume" else round(rows * 3 ** generator.uniform(-1, 1))
            yield from _day(number, segment, count, effect, shift, generator, is_moved=place == 1)


def _day(
    number: int,
    segment: str,
    rows: int,
    effect: Numbers,
    shift: Shift,
    generator: np.random.Generator,
    *,
    is_moved: bool,
) -> Iterator[Profile]:
    day = days(number, number).days[0]
    names = [*(f"n{place}" for place in range(COLUMNS)), *LENGTHS]
    means = np.append(effect[:COLUMNS], np.full(len(LENGTHS), effect[-1] + np.log(shift.length) / LENGTH_SD))
    means[: shift.columns] += shift.mean
    means[0] += shift.segment if is_moved else 0.0
    scale = np.ones(len(names))
    scale[0] = shift.sd
    below = stats.norm.cdf((INNER - means[:, None]) / scale[:, None])
    shares = np.diff(below, axis=1, prepend=0, append=1)
    missing = np.full(len(names), MISSING)
    missing[: shift.columns] = shift.missing
    given = rows - generator.binomial(rows, missing)
    for place, name in enumerate(names):
        counts = generator.multinomial(given[place], shares[place]).tolist()
        edges = LENGTH_EDGES if name in LENGTHS else EDGES
        yield Profile(day, segment, f"input_{name}", rows, Counts("numeric", counts, edges))
    yield _categories(day, segment, "input_c", rows, effect[COLUMNS], shift, generator)
    predicted = Shift(category=shift.prediction)
    yield _categories(day, segment, "predicted@1", rows, effect[COLUMNS], predicted, generator)
    mean = CONFIDENCE + shift.confidence + CONFIDENCE_SD * effect[COLUMNS + 1]
    values = np.diff(stats.norm.cdf((np.array(CONFIDENCE_EDGES[1:-1]) - mean) / CONFIDENCE_SD), prepend=0, append=1)
    counts = generator.multinomial(rows, values)
    yield Profile(day, segment, "confidence@1", rows, Counts("numeric", counts.tolist(), list(CONFIDENCE_EDGES)))


def _categories(
    day: str, segment: str, column: str, rows: int, effect: float, shift: Shift, generator: np.random.Generator
) -> Profile:
    names = [*SHARES, "new"]
    shares = np.array([*SHARES.values(), 0.0]) * np.exp([effect, 0, 0, 0, 0])
    shares /= shares.sum()
    shares[2] += shift.category - SHARES["c"]
    shares[:2] *= (1 - shift.new - shares[2:4].sum()) / shares[:2].sum()
    shares[4] = shift.new
    counts = generator.multinomial(rows, shares)
    counted = {name: int(count) for name, count in zip(names, counts, strict=True) if count}
    return Profile(day, segment, column, rows, Counts("categorical", list(counted.values()), categories=list(counted)))


def _special(count: int, is_special: Callable[[Any], bool]) -> Numbers:
    far = [SPECIAL / DAY if is_special((FIRST_DAY + timedelta(days=number)).date()) else 0.0 for number in range(count)]
    return np.array(far)[:, None]
