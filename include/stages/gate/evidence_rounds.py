"""Rounds: request the labels that decide between champion and challenger."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.foundation.decisions import Evaluation, GateVerdict, find
from include.foundation.errors import ContractError
from include.foundation.models.served_predictions import ServedPredictions
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.disagreement_window import disagreement_window
from include.stages.selection.evidence_requests import evidence_batch, request_disagreements

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


@dataclass(frozen=True)
class EvidenceReport:
    """What a round requests: labels of some of the ``disagreeing`` rows, not drawn yet, in a window of ``rows`` logged rows."""

    batch_id: str
    requests: int
    disagreeing: int
    rows: int


def request_evidence(
    store: LoopStore, gate: GateVerdict, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> EvidenceReport:
    """Write the requests of a round to the ledger. A round is drawn only once.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        A verdict *label_more*, which says how many labels to request.
    champion, challenger
        The two models that the verdict compares; the champion is None if the first model is held against what was served.

    Raises
    ------
    ContractError
        If the gate's verdict is a different one, or there is no champion any more.
    """
    if gate.outcome != "label_more" or (champion is None and gate.champion_version is not None):
        expected = f"expected label_more and champion {gate.champion_version}"
        raise ContractError(f"Got verdict {gate.outcome} and champion {champion}, {expected}")
    judged = [each for each in find(store, Evaluation, gate.subject) if each.evidence_digest == gate.evaluation]
    champion = champion or ServedPredictions(store.loop)
    window = disagreement_window(store, champion, challenger, judged[-1].window if judged else None)
    requests = request_disagreements(
        store, window.undrawn, gate.k, challenger_key=gate.subject, round_number=gate.round
    )
    batch_id = evidence_batch(gate.subject, gate.round)
    return EvidenceReport(batch_id, requests.num_rows, window.undrawn.rows.num_rows, window.census.rows)
