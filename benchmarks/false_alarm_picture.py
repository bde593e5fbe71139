"""The picture of the benchmark of false alarms."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.workloads.simulated_days import EFFECTS

TITLES = {
    "none": "days differ by sampling only",
    "day-0.05": "days differ by 0.05 sd",
    "day-0.1": "days differ by 0.1 sd",
    "weekday": "weekdays differ by 0.1 sd",
}
# Name, colour and width of each peer's line: where several are at 100 %, the wider ones are drawn first.
PEER_LINES = {
    "ks": ("KS, χ²", "#9aa5b1", 6.0),
    "alibi_detect": ("alibi-detect", "#c58b2a", 2.5),
    "evidently": ("Evidently", "#6b8e4e", 1.5),
    "nannyml": ("NannyML", "#8a5fa8", 1.5),
}


def draw(results: Sequence[Mapping[str, Any]], limit: float, path: Path) -> None:
    """Draw false alarms against window size, with one panel for each effect without a shift.

    Parameters
    ----------
    results
        Lines of the benchmark, in the order in which they were printed.
    limit
        The rate that a tool should keep, 0 to 1.
    path
        The PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    figure.suptitle("Ordinary windows that are called drift: 20 columns, 28 reference days", x=0.01, ha="left")
    names = [effect.name for effect in EFFECTS if not effect.shift]
    for axis, name in zip(figure.subplots(1, len(names), sharey=True), names, strict=True):
        own = [line for line in results if line["case"].startswith(f"{name} n=")]
        sizes = [int(line["case"].split("n=")[1]) for line in own]
        for tool, (label, colour, width) in PEER_LINES.items():
            known = [(size, line["peers"][tool]) for size, line in zip(sizes, own, strict=True)]
            known = [(size, figure) for size, figure in known if figure is not None]
            axis.plot(*zip(*known, strict=True), "o-", color=colour, linewidth=width, label=label) if known else None
        axis.plot(sizes, [line["rate"] for line in own], "o-", color="#1f5fa8", linewidth=2.5, label="this project")
        axis.axhline(limit, color="#b3261e", linestyle="--", linewidth=1, label=f"{100 * limit:.0f} %")
        axis.set(xscale="log", xlabel="rows a day", title=TITLES[name], ylim=(-0.03, 1.03))
        axis.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("share of windows")
    figure.axes[0].legend(fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
