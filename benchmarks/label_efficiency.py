"""How many labels a model needs that are chosen as a loop chooses them, against rows by margin alone and rows at random.

``.venv/bin/python -m benchmarks.label_efficiency [--quick] [--only NAME] [--terms TERMS] [--seeds N]`` prints one JSON object
per data set and terms: labels until a model has 98 % of the accuracy that all labels would give, for three batches
in a row, and the mean curve until then. ``--picture FILE`` draws the curves of the lines on standard input, and runs nothing.
A fifth of every batch is drawn at random and held out; these labels count as well. ``ours`` chooses the rest by
margin, spread over clusters, as a loop does by default. On other terms annotators are wrong in a tenth of their answers, with
three of them asked about each row; or what is held out is trained on once it is four batches old (`split.release_share: 1`).
"""

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.workloads.choosing_policies import POLICIES, BoughtLabels, Terms, labels_needed
from benchmarks.workloads.labeled_pools import POOLS, LabeledPool

SHARE = 0.98  # of the accuracy that all labels give
MOST = 0.7  # share of the rows that are labeled at most
TERMS = {"plain": Terms(), "errors": Terms(errors=0.1), "released": Terms(aged=3)}
TERMS_SAID = {"plain": "", "errors": ", annotators wrong in a tenth", "released": ", old rows released"}
# Name, colour and width of each policy's line.
POLICY_LINES = {
    "random": ("at random", "#9aa5b1", 2.5),
    "margin": ("margin", "#c58b2a", 1.5),
    "ours": ("this project", "#1f5fa8", 2.5),
}
Curve = list[tuple[int, float]]


def case(pool: LabeledPool, terms: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Return the line of a data set; its curves are of labels and the share of the accuracy that all labels give.

    Parameters
    ----------
    pool
        The data set.
    terms
        One of `TERMS`.
    seeds
        Of the repetitions.
    """
    most = int(MOST * len(pool.labels) * 0.7)
    curves: dict[str, list[Curve]] = {policy: [] for policy in POLICIES}
    for seed in seeds:
        aim = BoughtLabels(pool, "random", seed, TERMS[terms]).full
        for policy in POLICIES:
            curves[policy].append(_until_needed(BoughtLabels(pool, policy, seed, TERMS[terms]), aim, most))
    needed = {policy: [labels_needed(curve, SHARE) or most for curve in curves[policy]] for policy in POLICIES}
    ours, margin, random = (statistics.mean(needed[policy]) for policy in POLICIES)
    return {
        "benchmark": "label_efficiency",
        "case": pool.name + TERMS_SAID[terms],
        "unit": "labels",
        "ours": round(ours, 1),
        "limit": None,
        "peers": {"random": round(random, 1), "margin": round(margin, 1)},
        "ratio_to_random": round(ours / random, 3),
        "ratio_to_margin": round(ours / margin, 3),
        "repetitions": len(seeds),
        "needed": needed,
        "curves": {policy: _mean(curves[policy]) for policy in POLICIES},
    }


def _until_needed(labels: BoughtLabels, full: float, most: int) -> Curve:
    """Return the curve up to where it has been good enough for long enough."""
    curve: Curve = []
    for bought, score in labels.curve(most):
        curve.append((bought, score / full))
        if labels_needed(curve, SHARE) is not None:
            break
    return curve


def _mean(curves: Sequence[Curve]) -> Curve:
    """Return the mean curve, as far as the longest; one that has ended counts with its last value."""
    longest = max(curves, key=len)
    return [
        (bought, round(statistics.mean(curve[min(at, len(curve) - 1)][1] for curve in curves), 4))
        for at, (bought, _) in enumerate(longest)
    ]


def draw(lines: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the mean curve of each policy, a panel for each line.

    Parameters
    ----------
    lines
        Lines of the benchmark.
    path
        The picture.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(11, 6.2), layout="constrained")
    figure.suptitle("Accuracy by labels, as a share of what all labels give", x=0.01, ha="left")
    panels = figure.subplots(2, -(-len(lines) // 2), squeeze=False, sharey=True).ravel()
    for panel, line in zip(panels, lines, strict=False):
        needed = {"ours": line["ours"], **line["peers"]}
        for policy, (label, colour, width) in POLICY_LINES.items():
            panel.plot(*zip(*line["curves"][policy], strict=True), color=colour, linewidth=width, label=label)
            panel.plot(needed[policy], SHARE, "o", color=colour)
        panel.axhline(SHARE, color="#b3261e", linestyle="--", linewidth=1, label=f"{100 * SHARE:.0f} %")
        panel.set(title=line["case"], ylim=(0.75, 1.0), xlabel="labels", xscale="log")
        panel.set_xticks([20, 50, 100, 200, 500, 1000, 2000], minor=False)
        panel.xaxis.set_major_formatter(FuncFormatter("{:.0f}".format))
        panel.minorticks_off()
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].legend(fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Print one JSON line per case, or draw the curves of lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    parser.add_argument("--only", choices=sorted(POOLS), help="one data set")
    parser.add_argument("--terms", choices=sorted(TERMS), help="on one kind of terms")
    parser.add_argument("--seeds", type=int, default=10, help="repetitions")
    parser.add_argument("--picture", type=Path, help="where the curves of the lines on standard input are drawn")
    given = parser.parse_args()
    if given.picture:
        draw([json.loads(line) for line in sys.stdin], given.picture)
        return
    warnings.filterwarnings("ignore")  # a model that was not fitted to the end is scored as it is
    names = ["digits"] if given.quick else [given.only] if given.only else list(POOLS)
    kinds = ["plain"] if given.quick else [given.terms] if given.terms else list(TERMS)
    for name in names:
        pool = POOLS[name]()
        for terms in kinds:
            print(json.dumps(case(pool, terms, range(2 if given.quick else given.seeds))), flush=True)


if __name__ == "__main__":
    main()
