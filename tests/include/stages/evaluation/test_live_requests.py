"""What live requests tell of a challenger: how often it fails, disagrees, and says something else than of the stored row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from include.foundation.decisions import LiveComparison, RegisteredVersion, find, record
from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.evaluation import live_requests
from include.stages.evaluation.live_requests import compare_live, live_comparison
from tests.builders import DAY, make_store
from tests.decision_builders import make_evaluation

SHADOW = {"uri": "shadow", "requests": 100}


@dataclass
class Stored:
    """A model that says of each stored row what its text is."""

    challenger_key: str = "key"
    version: str = "2"
    asked: list[int] = field(default_factory=list)

    def predict(self, rows: pa.Table) -> tuple[Any, None]:
        self.asked.append(rows.num_rows)
        return np.array(rows.column("input_text").to_pylist(), dtype=object), None


def live_store(folder: Path, **shadow: Any) -> LoopStore:
    store = make_store(folder, deploy={"strategy": "shadow", "shadow": SHADOW | shadow})
    told = RegisteredVersion(subject="key", outcome="registered", reasons=(), version="2", run_id="run")
    record(store, told)
    return store


def serve(
    store: LoopStore, said: Sequence[str | None], stored: Sequence[str], served: str = "earn", **changes: Any
) -> None:
    """Store requests that the champion answered, what the challenger said live, and what it says of the stored row."""
    rows = [
        {
            "trace_id": f"t{number}", "ts": DAY + timedelta(minutes=number), "day": f"{DAY:%Y-%m-%d}", "model_version": "1",
            "predicted": served, "input_text": text, **changes,
        }
        for number, text in enumerate(stored)
    ]  # fmt: skip
    answers = [
        {
            "trace_id": f"t{number}", "ts": DAY + timedelta(minutes=number), "model_version": "2", "predicted": name,
            "error": None if name else "cannot", "seconds": 0.001 * number, "served_seconds": 0.5,
        }
        for number, name in enumerate(said)
    ]  # fmt: skip
    for table, given in (("predictions", rows), ("shadow_answers", answers)):
        store.append_new(table, rows_of(store.loop, table, given))


def compared(store: LoopStore, model: Stored | None = None) -> LiveComparison:
    return compare_live(store, "1", model or Stored())  # type: ignore[arg-type]


def case(failed: int = 0, skewed: int = 0, rows: int = 100) -> tuple[list[str | None], list[str]]:
    said: list[str | None] = [None] * failed + ["acq"] * (rows - failed)
    return said, ["acq"] * (rows - skewed) + ["earn"] * skewed


@pytest.mark.parametrize(
    ("given", "shadow", "outcome"),
    [
        pytest.param(case(), {}, "fit", id="enough"),
        pytest.param(case(rows=99), {}, "waiting", id="one too few"),
        pytest.param(case(failed=20), {}, "failing", id="fails"),
        pytest.param(case(failed=20, rows=40), {}, "failing", id="fails on the first already"),
        pytest.param(case(failed=20), {"max_failures": 0.2}, "fit", id="failures allowed"),
        pytest.param(case(skewed=20), {}, "skewed", id="skewed"),
        pytest.param(case(skewed=20), {"max_skew": 0.2}, "fit", id="skew allowed"),
        pytest.param(case(failed=1), {}, "fit", id="at the bound"),
        pytest.param(case(failed=2), {}, "waiting", id="above the bound and not shown to be"),
        pytest.param(case(failed=11, rows=1000), {}, "failing", id="not shown to be within it by ten times as many"),
    ],
)
def test_verdict_of_live_requests(tmp_path: Path, given: Any, shadow: dict[str, Any], outcome: str) -> None:
    store = live_store(tmp_path, **shadow)
    serve(store, *given)
    assert compared(store).outcome == outcome


def test_shares_have_their_intervals_and_times_their_quantiles(tmp_path: Path) -> None:
    store, rows = live_store(tmp_path), 200
    said: list[str | None] = [None] * 4 + ["acq"] * 6 + ["earn"] * (rows - 10)
    serve(store, said, ["earn"] * rows)
    told = compared(store)
    assert (told.requests, told.needed, told.champion, told.challenger) == (rows, 100, "1", "2")
    assert told.failures.value == 4 / rows
    assert told.failures.low == pytest.approx(beta(4, rows - 3).ppf(0.025))
    for share in (told.disagreement, told.skew):
        assert (share.value, share.rows) == (6 / (rows - 4), rows - 4)
    assert told.seconds == pytest.approx(0.001 * (rows - 1) / 2)
    assert told.slowest_seconds == pytest.approx(0.001 * 0.99 * (rows - 1))
    assert "200 of 100 live requests" in told.reasons[0]
    assert find(store, LiveComparison) == [told]


def test_nothing_known_waits_and_never_passes(tmp_path: Path) -> None:
    told = compared(live_store(tmp_path, max_failures=1.0, max_skew=1.0, requests=1))
    assert (told.outcome, told.failures, told.skew) == ("waiting", UNKNOWN, UNKNOWN)
    assert "nothing is known of it yet" in told.reasons[0]


def test_challenger_that_fails_on_everything_is_refused_though_nothing_tells_of_its_skew(tmp_path: Path) -> None:
    store = live_store(tmp_path)
    serve(store, [None] * 30, ["earn"] * 30)
    told = compared(store)
    assert (told.outcome, told.skew) == ("failing", UNKNOWN)


@pytest.mark.parametrize("changes", [{"model_version": "0"}, {"day": "2026-03-09"}])
def test_requests_that_another_version_answered_or_that_were_not_pulled_do_not_count(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    store = live_store(tmp_path)
    serve(store, *case(), **changes)
    assert compared(store).requests == 0


def test_of_many_requests_a_sample_is_asked_again_and_it_is_the_same_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_requests, "MOST_ROWS", 20)
    store, model = live_store(tmp_path, requests=10), Stored()
    serve(store, *case())
    assert compared(store, model) == compared(store, model)
    assert model.asked == [20, 20]


@pytest.mark.parametrize(("strategy", "champion"), [("alias", "1"), ("shadow", None)])
def test_where_live_requests_have_no_say_no_model_is_loaded(
    tmp_path: Path, strategy: str, champion: str | None
) -> None:
    store = make_store(tmp_path, deploy={"strategy": strategy, **({"shadow": SHADOW} if strategy == "shadow" else {})})
    assert live_comparison(store, Mock(side_effect=AssertionError), make_evaluation(champion_version=champion)) is None


def test_live_requests_have_a_say_only_where_the_loop_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = live_store(tmp_path)
    monkeypatch.setattr(live_requests, "challenger_model", lambda *_: Stored())
    told = live_comparison(store, Mock(), make_evaluation())
    assert told is not None
    assert told.outcome == "waiting"
