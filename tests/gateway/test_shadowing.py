"""A challenger is asked about what was answered, off the way of answers, and what it says is given to nobody."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway import shadowing
from gateway.log_writer import LogPolicy, LogWriter
from gateway.measures import LoopMeasures, Measures
from gateway.scorer import Scorer
from gateway.shadowing import LiveRow, Shadow
from include.foundation.models.loaded_model import LoadedModel
from tests.builders import make_tiny_loop


class Model:
    """Says *b* of every row; fails on texts that ask for it, and can be held up."""

    def __init__(self) -> None:
        self.classes_, self.go_on, self.sizes = np.array(["a", "b"]), threading.Event(), []
        self.go_on.set()

    def predict_proba(self, frame: Any) -> Any:
        assert self.go_on.wait(30)
        self.sizes.append(len(frame))
        if frame["text"].str.contains("fail").any():
            raise ValueError("cannot")
        return np.array([[0.3, 0.7]] * len(frame))


class Asked:
    """A shadow of a model, what it logged, and what it counted."""

    def __init__(self, folder: Path, busy: threading.Event | None = None, **shadow: Any) -> None:
        loop = make_tiny_loop(["a", "b"], deploy={"strategy": "shadow", "shadow": {"uri": "shadow"} | shadow})
        self.folder, self.model, self.measures = folder, Model(), Measures()
        self.log = LogWriter(folder, LogPolicy(sync="none"))
        is_busy = busy.is_set if busy else lambda: False
        self.shadow = Shadow(loop, self.log, LoopMeasures(self.measures, loop.name), is_busy)
        self.shadow.scorer = Scorer(LoadedModel(loop, "3", "run", "", self.model))

    def offer(self, *texts: str) -> None:
        rows = [(f"{number * 2**32 // len(texts):08x}", text) for number, text in enumerate(texts)]
        self.shadow.offer(
            [LiveRow(trace_id, "2026-11-01T00:00:00+00:00", {"text": text}, 0.5) for trace_id, text in rows]
        )

    def count(self, outcome: str) -> float:
        return (
            self.measures.registry.get_sample_value(
                "feedback_loop_gateway_shadow_rows_total", {"loop": "tiny", "outcome": outcome}
            )
            or 0.0
        )

    def wait_for(self, outcome: str, rows: int) -> None:
        deadline = time.monotonic() + 30
        while self.count(outcome) < rows:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def logged(self) -> list[dict[str, Any]]:
        self.shadow.close()
        self.log.close()
        return [
            json.loads(line) for path in sorted(self.folder.rglob("*.jsonl")) for line in path.read_bytes().splitlines()
        ]


def test_what_it_says_is_logged_with_the_served_rows_id_and_time(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.offer("one", "two")
    asked.wait_for("answered", 2)
    first, second = asked.logged()
    assert first.pop("seconds") >= 0
    assert first == {
        "trace_id": "00000000", "ts": "2026-11-01T00:00:00+00:00", "model_version": "3", "served_seconds": 0.5,
        "prediction": "b",
    }  # fmt: skip
    assert second["trace_id"] == "80000000"


def test_row_that_it_fails_on_fails_alone(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.model.go_on.clear()
    asked.offer("first")
    asked.offer("fine", "fail", "fine")
    asked.model.go_on.set()
    asked.wait_for("answered", 3)
    asked.wait_for("failed", 1)
    assert [line.get("prediction") for line in asked.logged()] == ["b", "b", None, "b"]


def test_more_than_may_wait_are_dropped_and_counted_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadowing, "MOST_WAITING", 4)
    asked = Asked(tmp_path)
    asked.model.go_on.clear()
    asked.offer("held")
    while not asked.shadow._waiting.empty():
        time.sleep(0.001)
    asked.offer(*(["text"] * 10))
    assert asked.count("dropped") == 6
    asked.model.go_on.set()
    asked.wait_for("answered", 5)
    assert len(asked.logged()) == 5


def test_while_answers_are_waited_for_it_asks_little_and_yet_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadowing, "PATIENCE", 0.05)
    busy = threading.Event()
    busy.set()
    asked, begin = Asked(tmp_path, busy), time.monotonic()
    asked.offer(*(["text"] * 40))
    asked.wait_for("answered", 40)
    assert time.monotonic() - begin >= 3 * 0.05  # before each batch
    assert max(asked.model.sizes) <= shadowing.MOST_ROWS


@pytest.mark.parametrize(("share", "least", "most"), [(0.25, 8, 42), (1.0, 100, 100)])  # four standard deviations
def test_share_of_rows_that_the_loop_file_says_is_asked_about(
    tmp_path: Path, share: float, least: int, most: int
) -> None:
    asked = Asked(tmp_path, share=share)
    asked.offer(*(["text"] * 100))
    asked.wait_for("answered", least)
    deadline = time.monotonic() + 30
    while not asked.shadow._waiting.empty() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert least <= len(asked.logged()) <= most


def test_ids_that_clients_gave_may_be_any(tmp_path: Path) -> None:
    asked = Asked(tmp_path, share=0.5)
    asked.shadow.offer([LiveRow(f"reply {number}", "2026-11-01T00:00:00Z", {"text": "x"}, 0.1) for number in range(50)])
    asked.wait_for("answered", 1)


def test_without_a_challenger_nothing_is_asked_and_closing_with_much_that_waits_ends(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.model.go_on.clear()
    asked.offer(*(["text"] * 1000))
    asked.shadow.scorer = None
    asked.offer("text")
    asked.model.go_on.set()
    assert len(asked.logged()) <= 2 * shadowing.MOST_ROWS
