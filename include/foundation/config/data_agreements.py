"""What the keys about data must agree on: classes, inputs, segments and drift."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Section
from include.foundation.errors import did_you_mean
from include.foundation.taxonomy import Taxonomy

Disagreement = tuple[tuple[str, ...], str]


def data_disagreements(loop: Loop) -> Iterator[Disagreement]:
    """Yield the keys that each disagreement rests on, the one to show first, and a sentence."""
    yield from _classes(loop)
    yield from _inputs(loop)
    yield from _segments(loop)
    yield from _split(loop)
    yield from _drift(loop)


def set_by_hand(section: Section, *names: str) -> list[str]:
    """Return which of these keys the loop file sets to something else than their default."""
    defaults = {name: type(section).model_fields[name].get_default(call_default_factory=True) for name in names}
    return [name for name in names if getattr(section, name) != defaults[name]]


def repeated(values: Iterable[str]) -> list[str]:
    """Return the values that occur more than once, in order of their first occurrence.

    Examples
    --------
    >>> repeated(["b", "a", "b"])
    ['b']
    """
    return [value for value, count in Counter(values).items() if count > 1]


def _folded(name: str) -> str:
    """Return a name without what a reader does not see: case, spaces at the ends or doubled, and the normal form."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _alike(key: str, names: Iterable[str]) -> Iterator[Disagreement]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_folded(name), []).append(name)
    for group in groups.values():
        if len(set(group)) > 1:
            shown = ", ".join(map(ascii, group))
            yield (key,), f"{shown} are equal but for upper and lower case, spaces or the form of a letter"
        elif len(group) > 1:
            yield (key,), f"must be unique; listed more than once: {group[0]}"


def _classes(loop: Loop) -> Iterator[Disagreement]:
    task = loop.task
    yield from _alike("task.classes", task.classes)
    for key, names in (("classes", task.classes), ("renamed", task.renamed), ("retired", task.retired)):
        for name in names:
            if name != name.strip() or not name.isprintable():
                yield (f"task.{key}",), f"got {name!a}, expected no spaces at the ends, nor signs that do not show"
    for name in repeated(task.retired):
        yield ("task.retired",), f"must be unique; listed more than once: {name}"
    for name in sorted({*task.classes} & {*task.renamed, *task.retired}):
        key = "renamed" if name in task.renamed else "retired"
        yield (f"task.{key}", "task.classes"), f"{name!r} is in task.classes: a former name may not be a class of today"
    for name in sorted({*task.renamed} & {*task.retired}):
        yield ("task.retired", "task.renamed"), f"{name!r} was renamed; what a name became is declared once"
    for old in task.renamed.keys() - Taxonomy.of(task).meanings.keys():
        new, known = task.renamed[old], [*task.classes, *task.retired, *task.renamed]
        text = (
            f"{old!r} becomes {new!r}, which leads to no name in task.classes or task.retired{did_you_mean(new, known)}"
        )
        yield ("task.renamed", "task.classes", "task.retired"), text


def _inputs(loop: Loop) -> Iterator[Disagreement]:
    yield from _alike("inputs", loop.inputs)
    for name, item in loop.inputs.items():
        key = f"inputs.{name}"
        if (item.size is None) == (item.type == "vector"):
            text = f"size goes with type vector, and a vector needs it; got type {item.type}, size {item.size}"
            yield (key, f"{key}.size", f"{key}.type"), text
        bounds = set_by_hand(item, "minimum", "maximum")
        if bounds and item.type in ("text", "categorical"):
            text = f"{' and '.join(bounds)} bound numbers; a {item.type} input has none"
            yield (key, *(f"{key}.{bound}" for bound in bounds), f"{key}.type"), text
        if item.minimum is not None and item.maximum is not None and item.minimum > item.maximum:
            text = f"minimum {item.minimum} is above maximum {item.maximum}"
            yield (key, f"{key}.minimum", f"{key}.maximum"), text
        if item.image:
            yield from _image(loop, key)
        for place in range(item.size or 0):
            if f"{name}_{place}" in loop.inputs:
                text = f"{name}_{place} is what element {place} of the vector {name} is called; rename one"
                yield (f"inputs.{name}_{place}", key), text


def _image(loop: Loop, key: str) -> Iterator[Disagreement]:
    kind = loop.inputs[key.removeprefix("inputs.")].type
    if kind != "text":
        yield (f"{key}.image", f"{key}.type"), f"the address of an image is a text; got type {kind}"
    if loop.labeling.backend != "label_studio" or loop.labeling.config is not None:
        text = "has no effect but on the labeling config that is made for Label Studio"
        yield (f"{key}.image", "labeling.backend", "labeling.config"), text


def _segments(loop: Loop) -> Iterator[Disagreement]:
    yield from _alike("segments", loop.segments)
    quota = [loop.selection.quota.segment] if loop.selection.quota else []
    groups = loop.selection.nominate.groups
    named = {
        "gate.slices": loop.gate.slices,
        "drift.segments": loop.drift.segments or [],
        "selection.quota.segment": quota,
        "selection.critical": list(loop.selection.critical),
        "selection.nominate.groups.by": [groups.by] if groups and groups.by != "predicted" else [],
    }
    for key, names in named.items():
        for name in names:
            if name not in loop.segments:
                near = did_you_mean(name, loop.segments)
                yield (key, "segments"), f"{name!r} is not one of segments {loop.segments}{near}"
        for name in repeated(names):
            yield (key,), f"must be unique; listed more than once: {name}"


def _split(loop: Loop) -> Iterator[Disagreement]:
    group, known = loop.split.group, [*loop.inputs, *loop.segments, "user", "source_id"]
    if group is not None and group not in known:
        near = did_you_mean(group, known)
        yield ("split.group", "inputs", "segments"), f"{group!r} is not an input, a segment, user or source_id{near}"


def calendar_problem(place: str) -> str | None:
    """Return why nothing is known of the holidays of a country or a region of it; None if they are known.

    Examples
    --------
    >>> calendar_problem("DE-BY"), calendar_problem("XX")
    (None, "got 'XX', expected a country or region that the library holidays knows: Country XX not available")
    """
    import holidays

    country, _, region = place.partition("-")
    try:
        holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError as error:
        return f"got {place!r}, expected a country or region that the library holidays knows: {error}"
    return None


def _drift(loop: Loop) -> Iterator[Disagreement]:
    drift = loop.drift
    if drift.confirm_k > drift.confirm_m:
        yield ("drift.confirm",), f"k must be at most m; got {drift.confirm!r}"
    if 0 in drift.days_of_month:
        yield ("drift.days_of_month",), "got 0, expected 1 to 31, or -1 to -31 from the last day of the month on"
    if drift.holidays and (problem := calendar_problem(drift.holidays)):
        yield ("drift.holidays",), problem
    if (drift.reference == "dates") != (drift.reference_dates is not None):
        text = f"reference_dates goes with reference: dates, which needs it; got reference: {drift.reference}"
        yield ("drift.reference", "drift.reference_dates"), text
    elif drift.reference_dates:
        first, last = drift.reference_dates
        if (last - first).days + 1 < FEWEST_REFERENCE_DAYS:
            text = f"{first} to {last} are too few days: at least {FEWEST_REFERENCE_DAYS} say what is ordinary"
            yield ("drift.reference_dates",), text
        if set_by_hand(drift, "reference_days"):
            yield ("drift.reference_days", "drift.reference"), "has no effect with reference: dates"
