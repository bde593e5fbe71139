"""A cycle's release notes: Markdown, and one self-contained HTML page."""

import base64
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from include.evaluation.estimates import Estimate
from include.evaluation.evaluation_pictures import draw_comparison
from include.labels.outcomes import current_labels
from include.reports.ledger_summary import cycles
from include.reports.pictures import draw_cycles
from include.store.decisions import Decision, find, latest
from include.store.files import write_file
from include.store.tables import LoopStore

if TYPE_CHECKING:
    from include.deployment.registry import ModelRegistry

HEADLINES = {
    "promote": "A new champion",
    "reject": "The champion stays",
    "label_more": "More labels are needed to decide",
}


def write_release_notes(store: LoopStore, gate: Decision, registry: "ModelRegistry | None" = None) -> str:
    """Write what a verdict means, why, and what it rests on; return the URI of the page.

    Parameters
    ----------
    store
        Tables of the loop; the notes land in its files, and ``reports/index.html`` is the newest.
    gate
        The verdict.
    registry
        If given, the notes are kept with the challenger's run, too.
    """
    facts = notes(store, gate)
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("release_notes.html").render(facts)
    text = templates.get_template("release_notes.md").render(facts)
    name = f"reports/{gate.subject}-{gate.evidence['round']}"
    write_file(store, f"{name}.md", text)
    uri = write_file(store, f"{name}.html", page)
    write_file(store, "reports/index.html", page)
    if registry is not None:
        registry.log_file(gate.evidence["run_id"], "release_notes.html", page)
        registry.log_file(gate.evidence["run_id"], "release_notes.md", text)
    return uri


def notes(store: LoopStore, gate: Decision) -> dict[str, Any]:
    """Return everything that the notes say, from the store alone."""
    evaluation = next(
        found
        for found in find(store, "evaluation", gate.subject)
        if found.evidence_digest == gate.evidence["evaluation"]
    )
    plan = [found for found in find(store, "retrain", gate.subject) if found.outcome == "train"][-1]
    dataset = latest(store, "dataset", gate.evidence["dataset"])
    drift = latest(store, "drift")
    summaries = cycles(store)
    return {
        "loop": store.loop,
        "headline": HEADLINES[gate.outcome],
        "gate": gate,
        "plan": plan,
        "dataset": dataset,
        "drift": drift,
        "evaluation": evaluation,
        "scores": {name: str(Estimate.from_json(value)) for name, value in gate.evidence["scores"].items()},
        "slices": _slices(evaluation, gate),
        "classes": evaluation.evidence["per_class"],
        "corrections": _corrections(store),
        "cycles": summaries,
        "comparison": _inline(draw_comparison(evaluation.evidence)),
        "history": _inline(draw_cycles(summaries)) if summaries else None,
        "lineage": _lineage(store, gate, plan),
    }


def _slices(evaluation: Decision, gate: Decision) -> list[dict[str, str]]:
    verdicts = {(item["segment"], item["value"]): item["verdict"] for item in gate.evidence["slices"]}
    return [
        {
            "name": f"{item['segment']} = {item['value']}",
            "champion": str(Estimate.from_json(item["scores"]["champion"])),
            "challenger": str(Estimate.from_json(item["scores"]["challenger"])),
            "verdict": verdicts.get((item["segment"], item["value"]), "not judged"),
        }
        for item in evaluation.evidence["slices"]
    ]


def _corrections(store: LoopStore) -> list[tuple[str, str, int]]:
    """Return how often people corrected which answer of the model to which label, most frequent first."""
    rows = current_labels(store.read("labels")).to_pylist()
    pairs = Counter(
        (row["predicted"], row["label"]) for row in rows if row["predicted"] and row["predicted"] != row["label"]
    )
    return [
        (said, label, count)
        for (said, label), count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:10]
    ]


def _lineage(store: LoopStore, gate: Decision, plan: Decision) -> dict[str, str]:
    return {
        "challenger": gate.subject,
        "MLflow run": gate.evidence["run_id"],
        "trained on dataset": plan.evidence["dataset"],
        "judged on dataset": gate.evidence["dataset"],
        "evidence": gate.evidence_digest,
        "configuration": store.loop.digest,
        "champion it met": str(gate.evidence["champion_version"] or "none"),
    }


def _inline(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()
