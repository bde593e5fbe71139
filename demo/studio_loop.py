"""The loop file of the demo, with Label Studio as its labeling backend."""

import os
from pathlib import Path

import yaml

from demo.annotators import REVIEWERS
from include.foundation.config.loading import LOOPS_DIR_VARIABLE, loop_named, loops_dir
from include.foundation.config.loop_file import Loop


def address_of(name: str) -> str:
    """Return with which address a simulated person logs in."""
    return f"{name}@localhost.localdomain"


def with_label_studio(name: str, folder: Path) -> Loop:
    """Write the file of a loop into a folder that loops are then read from: with Label Studio, and a second reader.

    Parameters
    ----------
    name
        Of the loop.
    folder
        Is made.

    Returns
    -------
    Loop
        As the new file says.
    """
    raw = yaml.safe_load((loops_dir() / f"{name}.yaml").read_text(encoding="utf-8"))
    # People answer one task after another: a wait that ended before the last would leave that one to a run on another day.
    raw["labeling"] = {**raw.get("labeling", {}), "backend": "label_studio", "quorum": 1.0}
    raw["labeling"].pop("uri", None)
    raw["escalation"] = {"tiers": [{"name": "reviewer", "people": [address_of(name) for name in REVIEWERS]}]}
    folder.mkdir(parents=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    os.environ[LOOPS_DIR_VARIABLE] = str(folder)
    return loop_named(name)
