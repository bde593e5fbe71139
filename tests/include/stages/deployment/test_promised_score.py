"""The live score is powered by the confidence in all that was served; the evidence on the promise is of labels alone."""

from datetime import timedelta

import numpy as np

from include.foundation.store.ledgers.deployments import Deployment, Promise
from include.stages.deployment.promised_score import ScoreScale, promised_score
from tests.include.stages.evaluation.judged_builders import DAY, make_judged_store
from tests.served_builders import LABELED_ROWS, store_served_day

BEFORE = DAY - timedelta(days=1)


def live_score(folder, *, counted=True, unknown=(), since=BEFORE):
    folder.mkdir()
    store = make_judged_store(folder)
    truth = store_served_day(store, counted=counted)
    promise = Promise(0.8, 0.8, 0.8)
    deployment = Deployment("1", None, "deploy", "because", "digest", promise, live_from=BEFORE)
    return promised_score(store, deployment, ScoreScale(np.ones(3), 1.0), set(unknown), since), truth


def test_live_score_is_narrower_and_the_evidence_the_same(tmp_path):
    (powered, truth), (bare, _) = live_score(tmp_path / "counted"), live_score(tmp_path / "bare", counted=False)
    assert (bare.score.rows, bare.score.gain) == (LABELED_ROWS, 1)
    assert powered.score.gain > 1.4
    assert powered.score.low < truth < powered.score.high
    assert (powered.e_value, powered.floor) == (bare.e_value, bare.floor)


def test_live_score_of_a_part_of_what_was_served_gains_nothing(tmp_path):
    """Without the rows of a class that the version cannot know, or from within a day on."""
    without, _ = live_score(tmp_path / "unknown", unknown=["c"])
    assert (without.score.rows < LABELED_ROWS, without.score.gain) == (True, 1)
    later, _ = live_score(tmp_path / "later", since=DAY + timedelta(hours=1))
    assert (later.score.rows < LABELED_ROWS, later.score.gain) == (True, 1)
