"""What a challenger knows counts as rows of tomorrow repeat it: known before they were served, not chosen from among them."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from include.foundation.config.sections import Split
from include.foundation.decisions import PublishedDataset, RetrainPlan, record
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.disagreement_window import disagreement_window
from include.stages.evaluation.learnt_rows import asks_of, kinds_of, known_share
from include.stages.selection.asked import is_held_out
from include.stages.selection.content import content_key, group_key
from include.stages.selection.first_asks import ALWAYS, FirstAsks
from tests.include.stages.evaluation.judged_builders import (
    DAY,
    answered_row,
    challenger_of,
    champion_of,
    log_answers,
    make_judged_loop,
    make_judged_store,
)


def ask(store: LoopStore, content: str, days: float, **changes: Any) -> None:
    """Store a request and its label."""
    same = {
        "trace_id": f"t-{content}", "request_id": f"r-{content}", "content_key": content, "split": "train",
        "stratum": "certainty", "inclusion_probability": 1.0, "hidden_prelabel": True,
    } | changes  # fmt: skip
    request = same | {"batch_id": "b", "tier": 1, "reasons": [], "asked_at": DAY + timedelta(days=days)}
    store.append_new("requests", rows_of(store.loop, "requests", [request]))
    label = answered_row(0, "aaa") | same | {"label_id": f"l-{content}"}
    store.append_new("labels", rows_of(store.loop, "labels", [label]))


def key_of(text: str) -> str:
    return content_key(make_judged_loop(), {"input_text": text, "input_champion": 1.0, "input_challenger": 0.0})


def test_only_labels_that_the_challenger_was_trained_on_are_known_to_it(tmp_path):
    store = make_judged_store(tmp_path)
    ask(store, "early", 1)
    ask(store, "again", 3)
    ask(store, "drawn", 1, stratum="random")
    ask(store, "held", 1, split="holdout", stratum="random")
    ask(store, "own", 1, stratum="disagreement", evidence_for="key-2")
    ask(store, "other", 2, stratum="disagreement", evidence_for="key-1", group_key="g")
    store.append_new("labels", rows_of(store.loop, "labels", [answered_row(9, "aaa", split="train", stratum="seed")]))
    version = store.version("labels")
    ask(store, "later", 1)
    first = {"early": 1, "again": 3, "other": 2}
    known = {name: DAY + timedelta(days=days) for name, days in first.items()} | {"c9": ALWAYS}
    found = asks_of(store, "key-2")
    assert found == FirstAsks(known | {"later": DAY + timedelta(days=1)}, {"g": DAY + timedelta(days=2)})
    named = {"subject": "d", "outcome": "published", "reasons": (), "digest": "d", "labels_version": version}
    counts = {"train": 0, "holdout": 0, "classes": {}, "added": 0, "removed": 0, "changed": 0}
    record(store, PublishedDataset(**named, **counts))
    plan = {"subject": "key-2", "outcome": "train", "reasons": (), "challenger_key": "key-2", "dataset": "d"}
    record(store, RetrainPlan(**plan, evaluation_dataset="d"))
    assert asks_of(store, "key-2").contents == known


@pytest.mark.parametrize(("asked", "expected"), [(-1, "known"), (0, "known"), (1, "chosen"), (None, "unknown")])
def test_a_row_tells_of_tomorrow_unless_its_content_was_asked_about_after_it_was_served(asked, expected):
    loop = make_judged_loop()
    row = {"trace_id": "p", "ts": DAY, "day": "2026-11-01", "model_version": "1", "predicted": "a", "input_text": "x",
           "input_champion": 1.0, "input_challenger": 0.0}  # fmt: skip
    asks = FirstAsks({} if asked is None else {key_of("x"): DAY + timedelta(days=asked)})
    assert kinds_of(loop, rows_of(loop, "predictions", [row]), asks).tolist() == [expected]


def test_where_models_disagree_rows_that_were_chosen_from_are_no_evidence(tmp_path):
    store = make_judged_store(tmp_path)
    log_answers(store, "aba*30", text="often")
    log_answers(store, "aba*10 aaa*60", 2000, days=2)
    log_answers(store, "aba*20", 3000, days=2, text="often")
    ask(store, key_of("often"), 1)
    window = disagreement_window(store, champion_of(store.loop), challenger_of(store.loop), None)
    assert window.undrawn.rows.num_rows == 30
    assert (window.census.rows, window.census.share) == (120, pytest.approx(30 / 90))


@pytest.mark.parametrize(("days", "expected"), [(40, 60 / 180), (4, 60 / 90), (1, 60 / 90)])
def test_late_rows_tell_which_share_is_known(tmp_path, days, expected):
    store = make_judged_store(tmp_path)
    log_answers(store, "aba*90", 5000, days=-6)
    log_answers(store, "aba*30", 1000)
    log_answers(store, "aba*60", 2000, text="often")
    asks = FirstAsks({key_of("often"): DAY - timedelta(days=3)})
    assert known_share(store, asks, DAY - timedelta(days=days)) == pytest.approx(expected)


def test_of_few_late_rows_nothing_is_said(tmp_path):
    store = make_judged_store(tmp_path)
    assert known_share(store, FirstAsks(), DAY) is None
    log_answers(store, "aba*49")
    assert known_share(store, FirstAsks(), DAY) is None
    log_answers(store, "aba", 3000)
    assert known_share(store, FirstAsks(), DAY) == 0


def test_of_new_groups_those_that_are_held_out_stand_for_all(tmp_path):
    store = make_judged_store(tmp_path)
    store = LoopStore(store.loop.model_copy(update={"split": Split(group="text")}), str(tmp_path / "store"))
    for number in range(40):
        log_answers(store, "aba aaa", 1000 + 2 * number, text=f"group {number}")
    keys = [group_key(store.loop, {"input_text": f"group {number}"}) or "" for number in range(40)]
    held = sum(map(is_held_out, keys))
    known = next(key for key in keys if not is_held_out(key))
    ask(store, "c", -1, group_key=known)
    window = disagreement_window(store, champion_of(store.loop), challenger_of(store.loop), None)
    assert 10 < held < 30
    assert window.undrawn.rows.num_rows == held + 1
    assert window.census.stands_for == pytest.approx(39 / held)
    assert window.census.share == pytest.approx(0.5)
    assert np.isclose(window.census.stands_for * held + 1, 40)
