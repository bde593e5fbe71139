"""The backfill benchmark's loop is valid, its rows are those that the loop takes, and CPU is told by process."""

from datetime import date

from benchmarks.backfill import PROCESSES, ROWS_A_DAY, cpu_seconds, serve, write_loop
from demo.standalone import Standalone
from include.foundation.config.loading import load_loop


def test_its_loop_is_valid_and_its_days_are_the_same_each_time(tmp_path):
    write_loop(tmp_path, "past", "@daily")
    assert load_loop(tmp_path / "loops" / "past.yaml").name == "past"
    assert serve(tmp_path, "past", date(2026, 1, 1)) == ROWS_A_DAY
    first = (tmp_path / "past" / "logs" / "2026-01-01.jsonl").read_text()
    serve(tmp_path, "past", date(2026, 1, 1))
    assert (tmp_path / "past" / "logs" / "2026-01-01.jsonl").read_text() == first


def test_cpu_of_a_process_that_does_not_run_is_none(tmp_path):
    assert set(cpu_seconds(Standalone(home=tmp_path)).values()) == {0}
    assert {"tasks", "scheduler", "api-server", "postgres"} <= set(PROCESSES.values())
