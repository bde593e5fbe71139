import json
from dataclasses import asdict

from benchmarks.peers.answers import figures
from benchmarks.workloads.crowd_answers import crowd_answers
from benchmarks.workloads.crowd_consensus import alone, limit, with_model
from benchmarks.workloads.drift_days import days, drift_store, files_of, snapshot, write_days
from benchmarks.workloads.log_files import DAY, clean_copy, lines, log_store, split, write_logs
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days
from include.stages.logs.pulling import pull_logs

KEY = b"a key of the benchmarks"


def test_days_can_be_checked_and_links_count_as_files(tmp_path):
    store = drift_store(tmp_path / "store")
    write_days(store, 9, 300, copies=2)
    assert len(files_of(store, days(0, 8))) == 18
    copy = drift_store(snapshot(tmp_path / "store", tmp_path / "copy"))
    profile_days(copy, days(0, 8))
    verdict = detect_drift(copy, days(8, 8))
    assert verdict.rows == 600
    assert store.version("profiles") is None


def test_lines_are_whole_and_the_same_every_time(tmp_path):
    first = list(lines(300))
    assert first == list(lines(300))
    records = [json.loads(line) for line in first]
    assert all(abs(sum(record["probabilities"].values()) - 1) < 1e-3 for record in records)
    assert len({record["trace_id"] for record in records}) == 300


def test_what_is_pulled_is_what_was_written(tmp_path):
    (tmp_path / "logs").mkdir()
    source = tmp_path / "day.jsonl"
    held = write_logs(source, 6000)
    clean_copy(source, tmp_path / "clean.jsonl")
    assert len((tmp_path / "clean.jsonl").read_text().splitlines()) == held + 1
    split(source, tmp_path / "logs", 3)
    found = pull_logs(log_store(tmp_path, "jsonl"), DAY, KEY)
    assert (held, found.rows, found.refused, found.duplicates, found.files) == (5999, 5999, 1, 1, 3)


def test_crowd_is_answered_as_right_as_who_knows_it_could():
    answers = crowd_answers(8_000)
    shares, people, together = (figures(each(asdict(answers)), answers.truth) for each in (limit, alone, with_model))
    known_alone, known = (figures(each, answers.truth) for each in (answers.known_alone, answers.known))
    assert known_alone["ece"] < 0.01
    assert shares["accuracy"] < people["accuracy"] - 0.02
    assert known_alone["accuracy"] - 0.015 < people["accuracy"] < known_alone["accuracy"] + 0.005
    assert known["accuracy"] - 0.01 < together["accuracy"] < known["accuracy"] + 0.005
    assert together["ece"] < 0.02
