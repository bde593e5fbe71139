from pathlib import Path

from include.foundation.decisions import record
from include.foundation.decisions.challenger_evaluation import DisagreementExample
from include.foundation.store.rows import rows_of
from include.stages.reports.disagreements import MOST_SHOWN, disagreeing_rows
from tests.decision_builders import make_evaluation
from tests.include.stages.evaluation.judged_builders import answered_row, make_judged_store


def test_before_the_first_evaluation_there_is_nothing(tmp_path: Path) -> None:
    assert disagreeing_rows(make_judged_store(tmp_path)) is None


def test_rows_come_with_their_inputs_and_those_that_are_gone_are_counted(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path)
    labels = [
        answered_row(0, "aab", input_text="x" * 500),
        answered_row(1, "aba", input_text=None),
        answered_row(2, "aab"),
    ]
    store.append_new("labels", rows_of(store.loop, "labels", labels))
    examples = tuple(DisagreementExample(label_id, "a", "a", "b") for label_id in ("l00001", "l00000", "gone"))
    record(store, make_evaluation(examples=examples))
    judged = disagreeing_rows(store)
    assert judged is not None
    assert [row.example.label_id for row in judged.rows] == ["l00001", "l00000"]
    assert judged.rows[0].inputs == {"text": None, "champion": "1", "challenger": "0"}
    assert judged.rows[1].inputs["text"] == "x" * MOST_SHOWN + " …"
    assert judged.gone == 1
