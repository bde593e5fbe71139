"""What was pulled is judged before anything learns from it."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from feedback_loop.operators.validate_logs import ValidateLogsOperator

from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store, write_lines
from tests.plugins.operators.operator_builders import context, with_store


def validate(store, interval):
    return with_store(ValidateLogsOperator(task_id="t", loop="wire", interval=interval.key), store).execute(context())


def test_interval_without_rows_skips(store):
    with pytest.raises(AirflowSkipException, match="No predictions"):
        validate(store, day(5))


def test_good_interval_returns_counts_and_where_the_result_is(store):
    pull_logs(store, day(), KEY)
    judged = validate(store, day())
    assert (judged["rows"], judged["refused"], judged["logs"]["rows"]) == (10, 0, 10)
    assert judged["result_uri"].startswith(store.uri)


def test_too_many_refused_lines_fail_without_retry(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(n, prediction="unheard of" if n % 2 else "earn") for n in range(10)])
    pull_logs(store, day(), KEY)
    with pytest.raises(AirflowFailException, match="max_refused_share"):
        validate(store, day())
