"""Whether drift is found in real data that is known to drift, and none in data that is known not to drift.

``.venv/bin/python -m benchmarks.natural_drift [--quick]`` prints one JSON object per data set. A model is fitted on the first
period and goes live after it, promised what labels of a random 30 % of that period show; then a loop with the default
thresholds judges every window of seven days against it, with labels of as many rows. A day of the loop is ``rows_a_day``
consecutive rows, because real days are thin. The figure is the share of later windows that are flagged. Peers get the same
rows with what they can watch: categories, numbers, the confidence, the prediction, and the length of a text in characters and
words.
"""

import json
import resource
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from benchmarks import peers
from benchmarks.measuring import print_cases
from benchmarks.workloads.natural_loop import DAYS_A_WINDOW, Watched, watch, windows_of
from benchmarks.workloads.natural_streams import STREAMS, Stream
from benchmarks.workloads.packaged_data import NoDataError

QUICK = ("election_tweets",)


def case(stream: Stream) -> dict[str, Any]:
    """Return the line of one data set."""
    with tempfile.TemporaryDirectory() as folder:
        watched = watch(stream, Path(folder))
        peer_rates = peer_shares(stream, watched, Path(folder))
    flags = [verdict.flagged for verdict in watched.verdicts]
    rate = float(np.mean(flags))
    interval = stats.binomtest(sum(flags), len(flags)).proportion_ci(method="wilson")
    return _line(stream.name, rate, peer_rates) | {
        "rate": rate,
        "low": float(interval.low),
        "high": float(interval.high),
        "trials": len(flags),
        "known_to_drift": stream.drifts,
        "alarms": sum(verdict.outcome == "alarm" for verdict in watched.verdicts),
        "routes": watched.routes,
        "first_flagged_window": flags.index(True) + 1 if any(flags) else None,
        "balanced_accuracy": _by_period(watched.served, balanced_accuracy_score),
        "accuracy": _by_period(watched.served, accuracy_score),
        "rows_a_day": stream.rows_a_day,
        "reference_days": watched.reference_days,
        "days_a_window": DAYS_A_WINDOW,
        "flagged": _most_flagged(watched),
    }


def peer_shares(stream: Stream, watched: Watched, folder: Path) -> dict[str, float | None]:
    """Return the share of windows that each peer calls drifted; None for a peer that is not installed.

    Parameters
    ----------
    stream
        The data set.
    watched
        What the loop served and judged.
    folder
        Where the rows are written for the peers.
    """
    numeric, categorical = ["confidence"], ["predicted"]
    for name, item in stream.inputs.items():
        if item["type"] == "text":
            numeric += [f"{name}_characters", f"{name}_words"]
        else:
            (numeric if item["type"] == "numeric" else categorical).append(name)
    reference = watched.served[watched.served["day"] < watched.reference_days]
    windows = enumerate(windows_of(watched))
    frames = {
        "reference": [_written(stream, reference, folder / "reference.parquet")],
        "windows": [[_written(stream, window, folder / f"window{place}.parquet")] for place, window in windows],
        "numeric": numeric,
        "categorical": categorical,
    }
    path = folder / "frames.json"
    path.write_text(json.dumps(frames))
    flags = {tool: peers.told(peers.run(tool, ["compare", str(path)])) for tool in peers.TOOLS}
    return {tool: None if flagged is None else float(np.mean(flagged)) for tool, flagged in flags.items()}


def _written(stream: Stream, rows: pd.DataFrame, path: Path) -> str:
    kept = rows[[*stream.inputs, "confidence", "predicted"]]
    for name, item in stream.inputs.items():
        if item["type"] == "text":
            words: Any = kept[name].str.split()  # pandas' stubs do not know the length of lists
            lengths = {f"{name}_characters": kept[name].str.len(), f"{name}_words": words.str.len()}
            kept = kept.assign(**lengths).drop(columns=name)
    kept.to_parquet(path)
    return str(path)


def _by_period(served: pd.DataFrame, score: Callable[[pd.Series, pd.Series], float]) -> dict[str, float]:
    groups = served.groupby("period", sort=False)
    return {str(name): round(float(score(rows["label"], rows["predicted"])), 3) for name, rows in groups}


def _most_flagged(watched: Watched) -> dict[str, int]:
    """Return in how many windows each column or monitor was flagged, the most frequent first."""
    names = [
        f"{finding.monitor}: {finding.column}"
        for verdict in watched.verdicts
        for finding in [*verdict.columns, *verdict.monitors]
        if finding.flagged
    ]
    counts = pd.Series(names, dtype=object).value_counts()
    return {str(name): int(count) for name, count in counts.head(8).items()}


def _line(name: str, rate: float, peer_rates: dict[str, float | None]) -> dict[str, Any]:
    return {
        "benchmark": "natural_drift",
        "case": name,
        "unit": "share of later windows flagged",
        "ours": rate,
        "limit": None,
        "peers": peer_rates,
        "ratio_to_limit": None,
        "ratio_to_best_peer": None,
        "repetitions": 1,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the line of every data set; that of one whose package cannot be fetched says why."""
    for name in QUICK if quick else STREAMS:
        try:
            yield case(STREAMS[name]())
        except NoDataError as error:
            yield _line(name, float("nan"), {}) | {"ours": None, "reason": str(error)}


def main() -> None:
    """Print one JSON line per data set."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
