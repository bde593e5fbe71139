"""Ask for the labels that decide between champion and challenger."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.foundation.decisions import GateVerdict
from include.foundation.errors import ContractError
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.disagreement_window import disagreement_window
from include.stages.selection.evidence_requests import request_disagreements

if TYPE_CHECKING:
    from include.foundation.models.registry import LoadedModel


@dataclass(frozen=True)
class EvidenceReport:
    """What a round asks for: ``requests`` of ``disagreeing`` rows in a window of ``rows``."""

    batch_id: str
    requests: int
    disagreeing: int
    rows: int


def request_evidence(
    store: LoopStore, gate: GateVerdict, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> EvidenceReport:
    """Write the requests of a round to the ledger; the same round is drawn once.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        A verdict *label_more*.
    champion, challenger
        The two models.

    Raises
    ------
    ContractError
        If the verdict is another, or there is no champion to disagree with.
    """
    if gate.outcome != "label_more" or champion is None:
        raise ContractError(f"Got verdict {gate.outcome} and champion {champion}, expected label_more and a champion")
    window = disagreement_window(store, champion, challenger)
    asked = request_disagreements(
        store,
        window.frame,
        window.askable,
        gate.k,
        challenger_key=gate.subject,
        round_number=gate.round,
    )
    return EvidenceReport(f"evidence-{gate.subject}-{gate.round}", asked.num_rows, len(window.askable), window.rows)
