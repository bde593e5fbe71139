"""The client waits for an API server that is started again, and says so in the end."""

import httpx
import pytest

from demo import airflow_client
from demo.airflow_client import AirflowClient
from demo.progress import Progress
from include.foundation.errors import FeedbackLoopError


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return AirflowClient("http://127.0.0.1:1", "admin", "password")


def answering(client, answers):
    """Let a client meet these answers, one after the other; the last one again and again."""

    def answer(request):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    client._http = httpx.Client(base_url="http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    client._http.headers["Authorization"] = "Bearer token"


def test_looking_goes_on_when_the_api_server_is_there_again(client):
    answering(
        client, [httpx.ConnectError("refused"), httpx.ReadError("broke off"), httpx.Response(200, json={"dags": []})]
    )
    assert client.get("/dags") == {"dags": []}


def test_looking_ends_with_an_error_in_words(client, monkeypatch):
    monkeypatch.setattr(airflow_client, "RESTART_SECONDS", -1)
    answering(client, [httpx.ConnectError("refused")])
    with pytest.raises(FeedbackLoopError, match="has not answered"):
        client.get("/dags")


def test_what_changes_something_is_sent_once(client):
    answering(client, [httpx.ReadError("broke off"), httpx.Response(200, json={})])
    with pytest.raises(httpx.ReadError):
        client.post("/dags/any/dagRuns", {})


def test_task_that_returned_nothing_has_no_result_and_a_run_that_is_not_there_is_an_error(client):
    answering(client, [httpx.Response(404, json={"detail": "XCom entry with key: `return_value` not found"})])
    assert client.xcom("any", "run", "check_store") is None
    with pytest.raises(FeedbackLoopError, match="404"):
        client.task_instances("any", "run")


def test_loop_is_busy_while_an_asset_event_waits_for_its_run(client):
    progress = Progress(client, ["any.retrain"])
    none = httpx.Response(200, json={"dag_runs": []})
    waits = httpx.Response(200, json={"queued_events": [{}], "total_entries": 1})
    answering(client, [none, waits])
    assert progress.look()
    answering(
        client, [none, httpx.Response(404, json={"detail": "Queue event with dag_id: `any.retrain` was not found"})]
    )
    assert not progress.look()


def test_log_of_a_task_says_its_error(client):
    error = {"exc_type": "ContractError", "exc_value": "a row is lost", "frames": []}
    entries = [{"event": "begins"}, {"event": "Task failed with exception", "error_detail": [error]}]
    answering(client, [httpx.Response(200, json={"content": entries})])
    said = client.log_text("wire.guard", "run", "check_store", -1, 1)
    assert said == "begins\nTask failed with exception\nContractError: a row is lost"
