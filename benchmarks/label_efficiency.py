"""How many labels a model needs that are chosen as a loop chooses them, against rows by margin alone and rows at random.

``.venv/bin/python -m benchmarks.label_efficiency [--quick] [--only NAME] [--seeds N] [--picture FILE]`` prints one JSON object
per data set and terms: labels until a model has 98 % of the accuracy that all labels would give, for three batches
in a row. A fifth of every batch is drawn at random and held out; these labels count as well. ``ours`` chooses the rest by
margin, spread over clusters, as a loop does by default. On other terms annotators are wrong in a tenth of their answers, with
three of them asked about each row; or what is held out is trained on once it is four batches old (`split.release_share: 1`).
"""

import argparse
import json
import statistics
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.workloads.choosing_policies import POLICIES, BoughtLabels, Terms, labels_needed
from benchmarks.workloads.labeled_pools import POOLS, LabeledPool

SHARE = 0.98  # of the accuracy that all labels give
MOST = 0.7  # share of the rows that are labeled at most
TERMS = {"": Terms(), ", annotators wrong in a tenth": Terms(errors=0.1), ", old rows released": Terms(aged=3)}
Curve = list[tuple[int, float]]


def case(pool: LabeledPool, terms: str, seeds: Sequence[int]) -> tuple[dict[str, Any], dict[str, list[Curve]]]:
    """Return the line of a data set, and the curves of each policy as labels and share of the accuracy that all labels give.

    Parameters
    ----------
    pool
        The data set.
    terms
        One of `TERMS`.
    seeds
        Of the repetitions.
    """
    curves: dict[str, list[Curve]] = {policy: [] for policy in POLICIES}
    needed: dict[str, list[int]] = {policy: [] for policy in POLICIES}
    most = int(MOST * len(pool.labels) * 0.7)
    for seed in seeds:
        aim = None
        for policy in POLICIES:
            labels = BoughtLabels(pool, policy, seed, TERMS[terms])
            aim = labels.full if aim is None else aim
            curves[policy].append(_until_needed(labels, aim, most))
            needed[policy].append(labels_needed(curves[policy][-1], SHARE) or most)
    ours, margin, random = (statistics.mean(needed[policy]) for policy in POLICIES)
    line = {
        "benchmark": "label_efficiency",
        "case": f"{pool.name}{terms}",
        "unit": "labels",
        "ours": round(ours, 1),
        "limit": None,
        "peers": {"random": round(random, 1), "margin": round(margin, 1)},
        "ratio_to_random": round(ours / random, 3),
        "ratio_to_margin": round(ours / margin, 3),
        "repetitions": len(seeds),
        "needed": needed,
    }
    return line, curves


def _until_needed(labels: BoughtLabels, full: float, most: int) -> Curve:
    """Return the curve up to where it has been good enough for long enough."""
    curve: Curve = []
    for bought, score in labels.curve(most):
        curve.append((bought, score / full))
        if labels_needed(curve, SHARE) is not None:
            break
    return curve


def draw(curves: dict[str, dict[str, list[Curve]]], path: Path) -> None:
    """Draw the mean curve of each policy, a panel for each data set.

    Parameters
    ----------
    curves
        Of each policy, by data set.
    path
        The picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.2), layout="constrained")
    panels = figure.subplots(2, -(-len(curves) // 2), squeeze=False).ravel()
    for panel, (name, by_policy) in zip(panels, curves.items(), strict=False):
        for policy, repetitions in by_policy.items():
            longest = max(repetitions, key=len)
            means = [
                statistics.mean(curve[min(at, len(curve) - 1)][1] for curve in repetitions)
                for at in range(len(longest))
            ]
            panel.plot([bought for bought, _ in longest], means, label=policy)
        panel.axhline(SHARE, color="0.6", linewidth=0.8, linestyle="--")
        panel.set(title=name, ylim=(0.75, 1.0), xlabel="labels", ylabel="share of full accuracy", xscale="log")
    panels[0].legend()
    figure.savefig(path)


def main() -> None:
    """Print one JSON line per case, and draw the curves if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    parser.add_argument("--only", choices=sorted(POOLS), help="one data set")
    parser.add_argument("--seeds", type=int, default=10, help="repetitions")
    parser.add_argument("--picture", type=Path, help="where the curves are drawn")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")  # a model that was not fitted to the end is scored as it is
    names = ["digits"] if given.quick else [given.only] if given.only else list(POOLS)
    curves = {}
    for name in names:
        pool = POOLS[name]()
        for terms in list(TERMS)[: 1 if given.quick else None]:
            line, found = case(pool, terms, range(2 if given.quick else given.seeds))
            print(json.dumps(line), flush=True)
            if not terms:
                curves[name] = found
    if given.picture:
        draw(curves, given.picture)


if __name__ == "__main__":
    main()
