"""How right labels are that many people agreed on, alone and with a model as prior, and what deciding them costs.

``.venv/bin/python -m benchmarks.consensus [--quick]`` prints one JSON object per case: 200,000 tasks, each answered by three of
200 annotators, a tenth of them spammers, and a model of accuracy 0.85 beside them that is too sure of itself
(`benchmarks.workloads.crowd_answers`). ``known`` is the accuracy of who knows every confusion matrix: nobody can be better.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import measuring, peers
from benchmarks.measuring import Measured
from benchmarks.peers.answers import figures
from benchmarks.workloads.crowd_answers import crowd_answers, write

ALONE = {"crowd-kit DS": ("crowd_kit", "ds"), "crowd-kit OneCoin": ("crowd_kit", "onecoin")}
BESIDE = {"cleanlab CROWDLAB": ("cleanlab",)}


def case(
    name: str, answers: Path, others: Mapping[str, tuple[str, ...]], known: float | None, repetitions: int
) -> dict[str, Any]:
    """Return what ours and others cost on the same answers, and how right they are.

    Parameters
    ----------
    name
        Of the case.
    answers
        File to read.
    others
        Peer and its arguments, by name.
    known
        Accuracy that nobody can beat; None where it is not about that.
    repetitions
        How often each is measured.
    """
    own = "benchmarks.workloads.crowd_consensus"
    measures: dict[str, measuring.Measure] = {
        "ours": partial(measuring.run_module, own, name.replace(" ", "_"), str(answers)),
        "limit": partial(measuring.run_module, own, "limit", str(answers)),
    }
    for peer, (tool, *arguments) in others.items():
        measures[peer] = partial(peers.run, tool, [str(answers), *arguments])
    measured = measuring.interleaved(measures, repetitions)
    ours, of_peers = measuring.own(measured["ours"]), {peer: measured[peer] for peer in others}
    told = {peer: _told(done) for peer, done in of_peers.items()}
    beside = {f"peers_{figure}": {peer: each.get(figure) for peer, each in told.items()} for figure in _told(ours)}
    line = measuring.line("consensus", name, ours, measured["limit"], of_peers, repetitions) | _told(ours) | beside
    return line if known is None else line | {"known": round(known, 4)}


def _told(done: Measured | None) -> dict[str, float]:
    told = {} if done is None else json.loads(done.output.splitlines()[-1])
    return {name: round(value, 4) for name, value in told.items()}


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    answers = crowd_answers(20_000 if quick else 200_000)
    known_alone, known = (figures(each, answers.truth)["accuracy"] for each in (answers.known_alone, answers.known))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers.npz"
        write(answers, path)
        del answers
        yield case("alone", path, ALONE, known_alone, 1 if quick else 3)
        yield case("with model", path, BESIDE, known, 1 if quick else 3)
        yield case(
            "label errors", path, {"cleanlab confident learning": ("cleanlab", "errors")}, None, 1 if quick else 3
        )


def main() -> None:
    """Print one JSON line a case."""
    measuring.print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
