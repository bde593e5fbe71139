from include.foundation.config.sections import Task
from include.foundation.taxonomy import Taxonomy
from include.stages.drift.comparing.comparable_classes import ComparableClasses
from tests.include.stages.drift.drift_builders import categorical_profile

CHANGED = Task(
    kind="classification", classes=["cereals", "earn", "new"], renamed={"grain": "cereals"}, retired=["ship"]
)


def counts(profile):
    return dict(zip(profile.values.categories, profile.values.counts, strict=True))


def read(current, reference, added=frozenset()):
    classes = ComparableClasses(Taxonomy.of(CHANGED), added)
    days = [categorical_profile(labels, number=number) for number, labels in enumerate([current, *reference])]
    windows, before = classes.read(days[:1], days[1:])
    return windows[0], before


def test_former_names_count_as_todays_and_retired_ones_not_at_all():
    window, before = read(["cereals", "earn", None], [["grain", "ship", "earn", None], ["grain", "cereals", "ship"]])
    assert [counts(day) for day in (window, *before)] == [
        {"cereals": 1, "earn": 1}, {"cereals": 1, "earn": 1}, {"cereals": 2}
    ]  # fmt: skip
    assert [(day.rows, day.nulls) for day in (window, *before)] == [(3, 1), (3, 1), (2, 0)]


def test_added_class_is_compared_once_every_day_of_the_reference_has_it():
    window, before = read(["new", "earn"], [["new", "earn"], ["earn"]], {"new"})
    assert [counts(day) for day in (window, *before)] == [{"earn": 1}] * 3
    window, before = read(["new", "earn"], [["new", "earn"], ["earn", "new"]], {"new"})
    assert [counts(day) for day in (window, *before)] == [{"earn": 1, "new": 1}] * 3


def test_class_that_was_always_there_is_compared_even_if_the_reference_never_had_it():
    window, _ = read(["new", "earn"], [["earn"]])
    assert counts(window) == {"earn": 1, "new": 1}


def test_undeclared_name_stays_visible():
    window, _ = read(["weather", "earn"], [["earn"]])
    assert counts(window) == {"earn": 1, "weather": 1}
