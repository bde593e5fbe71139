import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.foundation.decisions import GateVerdict, find
from include.stages.gate.judging import judge
from tests.include.stages.evaluation.judged_builders import make_judged_store
from tests.include.stages.gate.verdict_builders import measured, multiset

ROUNDS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=8, max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shares=ROUNDS,
    pool=st.integers(0, 200),
    max_rounds=st.integers(1, 4),
    most=st.integers(1, 50),
    ties=st.integers(0, 100),
)
def test_judge_any_answers_end_in_promote_or_reject(shares, pool, max_rounds, most, ties) -> None:
    """Answer what each round asks for, whatever the answers: at most one judgement more than there are rounds."""
    with tempfile.TemporaryDirectory() as folder:
        store = make_judged_store(Path(folder), max_rounds=max_rounds, max_labels_per_round=most)
        wins, losses = 0, 0
        for judged, (answered, won) in enumerate(shares, start=1):
            evaluation = measured(
                random=multiset(ties=ties), apart=multiset(wins, losses), askable=pool, dataset=f"d{judged}"
            )
            verdict = judge(store, evaluation)
            assert judge(store, evaluation).evidence_digest == verdict.evidence_digest
            if verdict.outcome in {"promote", "reject"}:
                break
            assert verdict.round == judged
            assert 1 <= verdict.k <= min(pool, most)
            new = round(verdict.k * answered)
            wins, losses, pool = wins + round(new * won), losses + new - round(new * won), pool - verdict.k
        assert verdict.outcome in {"promote", "reject"}
        assert judged <= max_rounds + 1
        assert len(find(store, GateVerdict)) == judged
