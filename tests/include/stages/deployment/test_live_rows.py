"""A live version that no row names is told as that, with the versions that the rows name."""

from datetime import UTC, datetime, timedelta

import pytest

from include.stages.deployment.watching import watch_deployment
from tests.include.stages.deployment.test_watching import answer_live, go_live
from tests.include.stages.training.challenger_builders import DAY, add_predictions, make_label_store, make_text_loop

WATCHED = 5


@pytest.fixture
def live(tmp_path):
    """Version 1 went live at the first row."""
    store = make_label_store(tmp_path, make_text_loop(deploy={"watch_days": WATCHED}))
    add_predictions(store, [0], version="0")
    go_live(store)
    return store


def test_version_that_the_logs_spell_otherwise_is_told_with_how_they_spell_it(live):
    add_predictions(live, [0.5, 1, 2], version="v1")
    add_predictions(live, [1], version="model-a")
    verdict = watch_deployment(live)
    assert (verdict.outcome, verdict.versions, verdict.watch_ended) == ("no_data", {"v1": 3, "model-a": 1}, False)
    assert "the logs name v1 (3 rows), model-a (1 rows)." in verdict.reasons[0]
    assert "Log the version as the registry says it, '1'" in verdict.reasons[0]


def test_version_after_which_nothing_was_logged_has_no_data(live):
    verdict = watch_deployment(live)
    assert (verdict.outcome, verdict.versions) == ("no_data", {})
    assert verdict.reasons[0] == "No row was logged since version 1 went live."


def test_version_whose_rows_have_no_label_yet_is_inconclusive(live):
    add_predictions(live, [1, 2])
    answer_live(live, [True] * 5, day=1, stratum="certainty")
    verdict = watch_deployment(live)
    assert (verdict.outcome, verdict.versions, verdict.watch_ended) == ("inconclusive", {"1": 2}, False)
    assert verdict.reasons == ("2 rows of version 1 were logged of late; no random one has a label yet.",)


@pytest.mark.parametrize(("day", "ended"), [(WATCHED, False), (WATCHED + 0.01, True)])
@pytest.mark.parametrize("version", ["1", "v1"])
def test_watch_ends_when_its_days_have_passed_in_the_logs(live, day, ended, version):
    add_predictions(live, [day], version=version)
    verdict = watch_deployment(live)
    assert verdict.watch_ended is ended
    assert (f"{WATCHED} days have passed without a row to judge it by." in verdict.reasons) is ended


def test_watch_of_a_loop_that_logs_nothing_ends_by_the_clock(live, monkeypatch):
    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) + timedelta(days=WATCHED, minutes=1)

    monkeypatch.setattr("include.stages.deployment.live_rows.datetime", Later)
    assert watch_deployment(live).watch_ended


def test_row_of_the_future_neither_ends_the_watch_nor_counts(live):
    ahead = (datetime.now(UTC) - DAY).days + 400
    add_predictions(live, [ahead], version="v1")
    verdict = watch_deployment(live)
    assert (verdict.versions, verdict.watch_ended) == ({}, False)


def test_rows_of_the_newest_days_are_counted_and_no_earlier_ones(live):
    add_predictions(live, range(1, 5), version="1")
    add_predictions(live, range(5, 13), version="v1")
    verdict = watch_deployment(live)
    assert (verdict.outcome, verdict.versions) == ("no_data", {"v1": WATCHED})


def test_version_that_had_labels_and_is_not_named_any_more_has_no_data(live):
    answer_live(live, [True] * 40, day=1)
    add_predictions(live, [1, 2, 9])
    assert watch_deployment(live).outcome == "kept"
    add_predictions(live, range(10, 10 + WATCHED), version="v1")
    assert watch_deployment(live).outcome == "no_data"


def test_of_many_versions_that_rows_name_the_five_most_frequent_are_told(live):
    for number in range(1, 8):
        add_predictions(live, [1 + place / 100 for place in range(number)], version=f"v{number}")
    told = watch_deployment(live).reasons[0]
    assert "v7 (7 rows), v6 (6 rows), v5 (5 rows), v4 (4 rows), v3 (3 rows)." in told
