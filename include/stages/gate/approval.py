"""The approval of a deployment: the evidence that a person reads, and the record of the answer."""

from collections.abc import Mapping
from typing import Any, Literal

from include.foundation.decisions import Approval, GateVerdict, RegisteredVersion, latest, record, referenced
from include.foundation.errors import ContractError
from include.foundation.lines.values import pseudonym
from include.foundation.pages.formats import markdown
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.person_keys import person_key
from include.foundation.store.tables import LoopStore


def approval_subject(challenger: str, environment: str | None = None) -> str:
    """Return what an approval is about: a challenger in production, or in an environment before it.

    Parameters
    ----------
    challenger
        Its key.
    environment
        One of `Loop.deploy.gitops.before_production`; None is production.

    Examples
    --------
    >>> approval_subject("4f1c"), approval_subject("4f1c", "staging")
    ('4f1c', '4f1c in staging')
    """
    return challenger if environment is None else f"{challenger} in {environment}"


def evidence_page(store: LoopStore, gate: Mapping[str, str], links: Mapping[str, str] | None = None) -> str:
    """Return the Markdown that a person reads before approving: verdict, versions, reasons, scores, slices, links and digests.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        Reference of the gate's verdict.
    links
        Addresses of what there is to look at, by their names.

    Returns
    -------
    str
        One bullet for each reason, and a table of the scores with their intervals.

    Raises
    ------
    ContractError
        If the store has no such verdict.
    """
    verdict = referenced(store, GateVerdict, gate)
    registered = latest(store, RegisteredVersion, verdict.subject)
    version = f"version {registered.version}" if registered else "not registered"
    champion = f"version {verdict.champion_version}" if verdict.champion_version else "no model"
    lines = [f"**{verdict.outcome}** of challenger `{markdown(verdict.subject)}`", ""]
    lines += [f"Model {markdown(store.loop.name)}, {markdown(version)}, is to replace {markdown(champion)}.", ""]
    lines += [f"- {markdown(reason)}" for reason in verdict.reasons]
    lines += ["", "| score | value | 95 % interval | rows |", "|---|---|---|---|"]
    lines += [_score_row(name, score) for name, score in verdict.scores.by_name().items()]
    lines += _slice_rows(verdict)
    lines += ["", *(f"[{markdown(name)}]({address})" for name, address in (links or {}).items())]
    lines += ["", f"Evidence digest: `{verdict.evidence_digest}`. The approval holds for this evidence only."]
    if verdict.files_digest:
        lines += ["", f"Digest of the model's files: `{verdict.files_digest}`. No other files are deployed."]
    return "\n".join(lines)


def record_approval(
    store: LoopStore, gate: Mapping[str, str], *, approved: bool, by: str, environment: str | None = None
) -> Approval:
    """Record who approved or rejected which evidence.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        Reference of the gate's verdict.
    approved
        The answer.
    by
        Pseudonym of the person who answered, or name of the policy.
    environment
        Before production, in which the challenger may be served; None is production.

    Raises
    ------
    ContractError
        If the store has no such verdict.
    """
    verdict = referenced(store, GateVerdict, gate)
    outcome: Literal["approved", "rejected"] = "approved" if approved else "rejected"
    reason = f"{outcome.capitalize()} by {by}."
    approval = Approval(
        subject=approval_subject(verdict.subject, environment),
        outcome=outcome,
        reasons=(reason,),
        gate=verdict.evidence_digest,
        by=by,
    )
    return record(store, approval)


def approver_pseudonym(store: LoopStore, user: Mapping[str, Any] | None, pseudonym_key: bytes) -> str:
    """Return the pseudonym of the user who answered.

    Parameters
    ----------
    store
        Tables of the loop.
    user
        As Airflow names who answered: ``id`` is read.
    pseudonym_key
        The store's key of pseudonyms.

    Raises
    ------
    ContractError
        If the user has no id: an approval that nobody can be held to is none.
    """
    identity = str((user or {}).get("id") or "")
    if not identity:
        raise ContractError(f"Got an answer by {user!r}, expected a user with an id: an approval needs an identity")
    return "person " + pseudonym(identity, person_key(store, pseudonym_key, "approver"))[:16]


def _slice_rows(verdict: GateVerdict) -> list[str]:
    """Return a table of what the gate says of each slice; a slice on which too little is known is inconclusive."""
    if not verdict.slices:
        return []
    rows = [
        f"| {markdown(part.segment)} = {markdown(part.value if part.value is not None else 'not given')} | {part.verdict} "
        f"| {part.rows} | {part.disagreements} |"
        for part in verdict.slices
    ]
    return ["", "| slice | verdict | rows | where they differ |", "|---|---|---|---|", *rows]


def _score_row(name: str, score: Estimate) -> str:
    if score.value is None:
        return f"| {markdown(name)} | unknown | | 0 |"
    return f"| {markdown(name)} | {score.value:.3f} | {score.low:.3f} to {score.high:.3f} | {score.rows} |"
