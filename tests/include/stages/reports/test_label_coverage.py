import pytest

from include.stages.reports.label_coverage import MOST_VALUES, Coverage, label_coverage
from tests.include.stages.evaluation.judged_builders import answered_rows, dataset_of, make_judged_loop

LOOP = make_judged_loop()
TRAINED = {"split": "train", "stratum": "certainty", "inclusion_probability": 1.0}


def covered(rows) -> dict[str, Coverage]:
    return {item.part: item for item in label_coverage(LOOP, dataset_of(LOOP, rows))}


def test_share_served_is_that_of_drawn_rows_by_weight_and_share_of_labels_that_of_training() -> None:
    drawn = answered_rows("aaa*4", inclusion_probability=0.1) + answered_rows("bbb*4", 4, inclusion_probability=0.4)
    parts = covered(drawn + answered_rows("bbb*3 aaa", 20, **TRAINED))
    assert list(parts) == ["class = a", "class = b", "class = c", "desk = eu"]
    one = parts["class = a"]
    assert one.served.value == pytest.approx(40 / 50)
    assert one.served.low is not None
    assert one.served.low < 0.8
    assert (one.labels, one.share) == (1, 0.25)
    assert (parts["class = c"].labels, parts["class = c"].share) == (0, 0.0)


def test_rows_that_were_not_drawn_at_random_say_nothing_of_what_is_served() -> None:
    parts = covered(answered_rows("aaa", stratum="seed") + answered_rows("bbb", 5))
    assert parts["class = a"].served.value == 0.0
    assert parts["class = b"].served.rows == 1


def test_without_labels_the_share_served_is_unknown() -> None:
    (item,) = (item for item in label_coverage(LOOP, dataset_of(LOOP, [])) if item.part == "class = a")
    assert (item.served.value, item.labels, item.share) == (None, 0, 0.0)


def test_segments_are_the_most_frequent_values_and_those_not_given() -> None:
    rows = [row | {"segment_desk": None} for row in answered_rows("aaa*3")]
    for number in range(12):
        rows += answered_rows("aaa", 10 + number, segment_desk=f"d{number:02d}")
    desks = [part for part in covered(rows) if part.startswith("desk")]
    assert desks[:2] == ["desk = not given", "desk = d00"]
    assert len(desks) == MOST_VALUES
