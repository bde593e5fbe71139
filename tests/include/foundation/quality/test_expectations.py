"""What a suite found is said in Great Expectations' words, with what was observed."""

import pandas as pd
import pytest

from include.foundation.quality.expectations import observed, run_suite, suite_of

FRAME = pd.DataFrame({"label": ["a", "b", "b"], "score": [0.1, 0.2, 1.3]})
IN_SET = ("expect_column_values_to_be_in_set", {"column": "label", "value_set": ["a"]})


def result_of(kind, kwargs, frame=FRAME, **keys):
    return run_suite({"name": "t", "expectations": [{"type": kind, "kwargs": kwargs, **keys}]}, frame)


def test_missed_expectation_is_a_sentence_with_counts_and_examples():
    result = result_of(*IN_SET)
    assert result.failures == ["label values must belong to this set: a. 2 of 3 rows do not: b, b"]
    assert (result.success, result.warnings) == (False, [])


def test_aggregate_says_what_was_observed():
    result = result_of("expect_column_max_to_be_between", {"column": "score", "max_value": 1})
    assert result.failures[0].endswith("observed 1.3")


def test_share_of_rows_that_may_miss_is_allowed():
    between = {"column": "score", "min_value": 0, "max_value": 1}
    assert not result_of("expect_column_values_to_be_between", between).success
    assert result_of("expect_column_values_to_be_between", between | {"mostly": 0.6}).success


def test_only_critical_expectations_stop():
    result = result_of(*IN_SET, severity="info")
    assert (result.success, len(result.warnings), result.details["success"]) == (True, 1, False)


def test_expectation_that_cannot_be_judged_is_missed_with_the_reason():
    result = result_of("expect_column_mean_to_be_between", {"column": "nope", "min_value": 0})
    assert not result.success
    assert 'column "nope"' in result.failures[0]


def test_number_of_rows_is_of_the_whole_batch_not_of_the_sample():
    """More rows than could be made for Great Expectations to count."""
    suite = suite_of("t", [("expect_table_row_count_to_equal", {"value": 10**12}), IN_SET])
    result = run_suite(suite, FRAME, 10**12 + 1)
    assert result.failures[1:] == [f"Must have exactly {10**12} rows. observed {10**12 + 1}"]
    assert result.details["results"][1]["expectation_config"]["type"] == "expect_table_row_count_to_equal"
    assert result.details["meta"] == {"rows": 10**12 + 1, "judged": 3}
    assert run_suite(suite, FRAME, 10**12).failures == result.failures[:1]


def test_bounds_of_the_number_of_rows_may_be_strict():
    between = "expect_table_row_count_to_be_between"
    judged = [result_of(between, {"min_value": 3, "strict_min": strict}).success for strict in (False, True)]
    assert judged == [True, False]


def test_empty_batch_can_be_judged():
    result = run_suite(suite_of("t", [IN_SET, ("expect_table_row_count_to_be_between", {"min_value": 1})]), FRAME[:0])
    assert len(result.failures) == 1


def test_long_examples_are_cut():
    frame = pd.DataFrame({"label": ["x" * 500]})
    assert len(observed(result_of(*IN_SET, frame=frame).details["results"][0])) < 100


def test_three_examples_are_shown():
    missed = result_of(*IN_SET, frame=pd.DataFrame({"label": list("bcdef")}))
    assert missed.failures[0].endswith("5 of 5 rows do not: b, c, d")


@pytest.mark.parametrize(("length", "shown"), [(60, "x" * 60), (61, "x" * 59 + "…")])
def test_an_example_is_shown_up_to_sixty_signs(length, shown):
    result = result_of(*IN_SET, frame=pd.DataFrame({"label": ["x" * length]}))
    assert observed(result.details["results"][0]) == f"1 of 1 rows do not: {shown}"
