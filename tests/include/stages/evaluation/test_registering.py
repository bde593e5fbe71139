from typing import Any

import pytest

from include.foundation.decisions import RegisteredVersion, find
from include.foundation.models.registry import CHALLENGER, ModelRegistry
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.registering import register_challenger
from tests.decision_builders import make_evaluation
from tests.include.stages.training.challenger_builders import log_fitted


@pytest.mark.parametrize("seconds", [0, 2])
def test_register_challenger_again_keeps_its_first_version_alone(
    store: LoopStore, registry: ModelRegistry, estimator: Any, seconds: int
) -> None:
    """Others that registered it at the same time have left second versions behind."""
    measured = make_evaluation("key", run_id=log_fitted(registry, store, "key", estimator))
    first = register_challenger(store, registry, measured)
    for _ in range(seconds):
        registry.client.create_model_version("tiny", "elsewhere", tags={"challenger_key": "key"})
    registry.client.delete_registered_model_alias("tiny", CHALLENGER)
    assert register_challenger(store, registry, measured) == first
    assert registry.versions_of("key") == [first.version] == [registry.aliased(CHALLENGER)] == ["1"]
    tags = registry.client.get_model_version("tiny", "1").tags
    assert tags == {"challenger_key": "key", "evaluation": measured.evidence_digest}
    assert (first.outcome, first.run_id) == ("registered", measured.run_id)
    assert len(find(store, RegisteredVersion)) == 1
