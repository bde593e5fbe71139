"""The pages that are made when they are looked at, on Airflow's API server as it starts."""

import json
import re
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
import yaml
from airflow.api_fastapi.app import get_auth_manager
from feedback_loop.ui import table_cache
from feedback_loop.ui.mounting import PREFIX

from include.foundation.decisions import record
from include.foundation.decisions.challenger_evaluation import DisagreementExample
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.rows import rows_of
from include.stages.reports.kept_pages import write_index
from tests.builders import make_loop
from tests.decision_builders import make_drift_verdict, make_evaluation
from tests.include.stages.evaluation.judged_builders import answered_row
from tests.include.stages.reports.page_reader import Page

ODD = '<script>alert("x")</script> \u202efdp\u202c &amp;'
HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def nothing_computed():
    table_cache._computed.clear()
    table_cache._stores.clear()


@pytest.fixture
def page(browse):
    def read(path, login="admin"):
        answer = browse(PREFIX + path, login)
        assert answer.status_code == 200, answer.text
        return Page(re.sub(r"<script nonce.*?</script>", "", answer.text, flags=re.DOTALL))

    return read


def add_loop(loop, name):
    other = make_loop(loop.folder, name=name)
    (loop.folder / "loops" / f"{name}.yaml").write_text(
        yaml.safe_dump(other.model_dump(mode="json", exclude_unset=True))
    )


class TestDisagreements:
    def test_without_a_judged_challenger_the_page_says_so(self, page, loop):
        assert "No challenger was judged yet." in page("/wire/disagreements").text

    def test_rows_are_shown_escaped_with_what_both_models_say(self, browse, loop):
        seed = answered_row(1, "aab", input_text=ODD)
        own = {name: value for name, value in seed.items() if name in loop.store.schema("labels").names}
        loop.store.append_new("labels", rows_of(loop.store.loop, "labels", [own]))
        examples = (
            DisagreementExample(seed["label_id"], "grain", "ship", "grain"),
            DisagreementExample("gone", "a", "a", "b"),
        )
        record(loop.store, make_evaluation(examples=examples))
        text = browse(f"{PREFIX}/wire/disagreements").text
        assert "alert(&#34;x&#34;)" in text
        assert "1 more cannot be shown" in text
        assert re.findall(r'data-name="(Right|Champion)"[^>]*>([^<]*)<', text) == [
            ("Right", "challenger"),
            ("Champion", "ship"),
        ]


class TestLoops:
    def test_a_row_says_what_is_live_how_good_and_what_runs(self, page, live, airflow_run):
        airflow_run("wire.observe")
        text = page("/").text
        assert "wire" in text
        assert "well" in text
        assert "version 3 0.812 (0.750 to 0.875)" in text
        assert "observe success" in text
        assert "nobody" in text

    def test_the_worst_comes_first(self, page, live, airflow_run):
        add_loop(live, "alpha")
        airflow_run("wire.label", state="failed")
        text = page("/").text
        assert text.index("wire") < text.index("alpha")
        assert "The newest run of wire.label failed" in text

    def test_only_the_newest_run_counts(self, page, live, airflow_run):
        airflow_run("wire.label", "manual__1", state="failed")
        airflow_run("wire.label", "manual__2")
        assert "failed" not in page("/").text

    def test_a_loop_that_the_user_may_not_see_is_not_there(self, page, live, monkeypatch):
        add_loop(live, "secret")
        manager = get_auth_manager()
        allowed = Mock(
            spec=manager.is_authorized_dag, side_effect=lambda **given: "secret" not in (given["details"].id or "")
        )
        monkeypatch.setattr(manager, "is_authorized_dag", allowed)
        assert "secret" not in page("/").text
        assert "wire" in page("/").text

    def test_a_store_that_cannot_be_read_is_one_row(self, page, live, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_FEEDBACK_STORE", '{"conn_type": "generic"}')
        text = page("/").text
        assert "Its store cannot be read" in text
        assert "act" in text

    def test_invalid_loop_files_are_counted(self, page, live):
        (live.folder / "loops" / "broken.yaml").write_text("name: broken")
        assert re.search(r"\d+ problems? in loop files", page("/").text)

    def test_without_a_loop_it_says_how_to_make_one(self, page, loop):
        (loop.folder / "loops" / "wire.yaml").unlink()
        assert "There is no loop that you may see." in page("/").text


class TestLoop:
    def test_it_says_what_it_needs_and_what_happened(self, page, live, airflow_run):
        airflow_run("wire.guard", is_paused=True)
        read = page("/wire")
        assert "wire: version 3 is live" in read.text
        assert "Unpause wire.guard" in read.text
        assert "0.812 (0.750 to 0.875)" in read.text
        assert f"{PREFIX}/" in read.addresses
        assert "/dags/wire.guard/runs/manual__1" in read.addresses

    def test_it_is_the_tab_of_each_of_its_dags(self, page, live):
        assert page("/dags/wire.retrain").text == page("/wire").text

    def test_it_is_of_now(self, page, live):
        assert "version 3 is live" in page("/wire").text
        append_deployment(live.store, Deployment("4", "3", "deploy", "It is better.", "f", None))
        assert "version 4 is live" in page("/wire").text

    def test_nothing_is_computed_twice(self, page, live, monkeypatch):
        page("/wire")
        before = dict(table_cache._computed)
        page("/wire")
        assert all(table_cache._computed[place] is value for place, value in before.items())
        assert len(before) == 2

    def test_what_a_task_kept_is_not_computed(self, page, live, monkeypatch):
        write_index(live.store)
        monkeypatch.setattr(table_cache, "_reader", None)
        assert "version 3 is live" in page("/wire").text
        assert "0.812 (0.750 to 0.875)" in page("/").text

    def test_links_below_a_sub_path_lead_there(self, browse, live, api, airflow_run, monkeypatch):
        airflow_run("wire.observe")
        monkeypatch.setattr(api, "root_path", "/airflow")
        answer = browse(f"/airflow{PREFIX}/wire")
        assert 'href="/airflow/dags/wire.observe/runs/manual__1"' in answer.text
        assert f'href="/airflow{PREFIX}/"' in answer.text


class TestRun:
    def test_it_tells_each_decision_and_its_reasons(self, page, live, airflow_run):
        verdict = make_drift_verdict("20261101T0000-20261102T0000", "alarm", reasons=("Desk eu moved.",))
        record(live.store, verdict)
        left = {"return_value": verdict.reference, "_link_DriftVerdictLink": "feedback-loop/wire/files/drift/x.html"}
        airflow_run("wire.observe", tasks=[("detect_drift", "success", left), ("select_samples", None, {})])
        read = page("/dags/wire.observe/runs/manual__1")
        assert "alarm" in read.text
        assert "Desk eu moved." in read.text
        assert f"recorded {datetime.now(UTC).day} " in read.text
        assert "Drift verdict" in read.text
        assert "/feedback-loop/wire/files/drift/x.html" in read.addresses
        assert "It recorded no decision." in read.text

    def test_a_reference_to_what_was_never_recorded_is_no_decision(self, page, live, airflow_run):
        airflow_run("wire.observe", tasks=[("detect_drift", "success", {"return_value": {"evidence_digest": "gone"}})])
        assert "It recorded no decision." in page("/dags/wire.observe/runs/manual__1").text

    @pytest.mark.parametrize("returned", [None, 3, ["a"], {"evidence_digest": 3}, {"rows": 3}])
    def test_any_other_output_is_none(self, page, live, airflow_run, returned):
        airflow_run("wire.observe", tasks=[("pull_logs", "success", {"return_value": returned})])
        assert "It recorded no decision." in page("/dags/wire.observe/runs/manual__1").text

    def test_a_failed_task_leads_to_its_log(self, page, live, airflow_run):
        airflow_run("wire.observe", state="failed", tasks=[("pull_logs", "failed", {})])
        assert (
            "/dags/wire.observe/runs/manual__1/tasks/pull_logs" in page("/dags/wire.observe/runs/manual__1").addresses
        )

    def test_names_are_text(self, browse, live, airflow_run):
        verdict = make_drift_verdict("20261101T0000-20261102T0000", "alarm", reasons=(ODD, "x" * 10_000))
        record(live.store, verdict)
        airflow_run("wire.observe", tasks=[("detect_drift", "success", {"return_value": verdict.reference})])
        text = browse(f"{PREFIX}/dags/wire.observe/runs/manual__1").text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


class TestAnswers:
    def test_one_script_may_run_and_each_page_has_another_name_for_it(self, browse, live):
        answers = [browse(f"{PREFIX}/wire") for _ in range(2)]
        nonces = []
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            nonce = re.search(r"script-src \'nonce-([\w-]{22})\'$", policy)[1]
            assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce}">') == 1
            nonces.append(nonce)
        assert len(set(nonces)) == 2
        assert answers[0].headers["cache-control"].startswith("private")

    def test_refusals_are_pages_to_browsers_and_json_to_programs(self, api, browse, live):
        from fastapi.testclient import TestClient

        assert json.loads(browse(f"{PREFIX}/gone").text)["detail"]
        client = TestClient(api, raise_server_exceptions=False)
        assert client.get(f"{PREFIX}/wire", headers=HTML).headers["content-type"].startswith("text/html")
