import sys

import numpy as np
import pytest

from benchmarks import measuring, peers
from benchmarks.measuring import ChildFailedError, Measured, interleaved, line, median, run

HUNGRY = "x = bytearray(80 << 20); x[::4096] = b'1' * len(x[::4096]); print(len(x))"
BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))'])"


def test_memory_is_the_childs_own_and_not_its_parents():
    ballast = np.ones(40_000_000)
    idle, hungry = run([sys.executable, "-c", "pass"]), run([sys.executable, "-c", HUNGRY])
    assert ballast.nbytes > 300 << 20
    assert idle.peak_rss_mb < 60
    assert 80 < hungry.peak_rss_mb - idle.peak_rss_mb + 5 < 100
    assert hungry.output.strip() == str(80 << 20)


def test_cpu_of_descendants_counts():
    idle, busy = run([sys.executable, "-c", "pass"]), run([sys.executable, "-c", BUSY])
    assert busy.cpu_seconds > idle.cpu_seconds + 0.05


def test_a_child_that_fails_says_why():
    with pytest.raises(ChildFailedError, match="ran out of ink"):
        run([sys.executable, "-c", "raise SystemExit('ran out of ink')"])


def test_turns_are_taken_and_the_slow_sit_out():
    order = []

    def measure(name, *figures):
        given = iter(figures)
        return lambda: order.append(name) or Measured(next(given), 10.0)

    found = interleaved({"a": measure("a", 3, 1, 2), "b": measure("b", 5), "c": lambda: None}, {"a": 3, "b": 1, "c": 2})
    assert order == ["a", "b", "a", "a"]
    assert found["a"].cpu_seconds == 2
    assert found["c"] is None
    assert median([]) is None


def test_a_line_has_every_key_and_null_for_what_is_missing():
    made = line("drift", "rows=1", Measured(3.0, 200.4), Measured(2.0, 90.0), {"a": None, "b": Measured(6.0, 5.0)}, 5)
    assert (made["ratio_to_limit"], made["ratio_to_best_peer"], made["peak_rss_mb"]) == (1.5, 0.5, 200)
    assert made["peers"] == {"a": None, "b": 6.0}
    assert line("drift", "rows=1", Measured(3.0, 1.0), None, {"a": None}, 1)["ratio_to_best_peer"] is None


def test_a_peer_without_an_environment_gives_none(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "PLACE", tmp_path)
    assert not peers.available("evidently")
    assert peers.run("evidently", []) is None
    assert peers.flags("evidently", [tmp_path / "arrays.npz"]) is None


def test_our_own_peer_flags_the_window_that_moved(tmp_path):
    generator = np.random.default_rng(0)
    windows = np.stack([generator.normal(size=(300, 1)), generator.normal(size=(300, 1)) + 2])
    np.savez(tmp_path / "arrays.npz", reference=generator.normal(size=(3000, 1)), windows=windows)
    assert peers.flags("ks", [tmp_path / "arrays.npz"] * 2) == [False, True] * 2


def test_children_start_where_the_project_is():
    shown = run([sys.executable, "-c", "import os, benchmarks; print(os.getcwd())"])
    assert shown.output.strip() == str(measuring.ROOT)
