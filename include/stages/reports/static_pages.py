"""The pages of loops as self-contained files that open in a browser without a server."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from include.foundation.store.loop_files import names_in, read_file
from include.foundation.store.tables import LoopStore
from include.stages.reports.loop_facts import loop_facts
from include.stages.reports.overview import overview, overview_facts, page
from include.stages.reports.standing import Standing, standing

WRITTEN = ("drift", "evaluations", "expectations", "reports")  # folders of pages among a loop's files
ENDINGS = (".html", ".png")
TO_INDEX = "/index.html"  # a file has no address without its name


def export_pages(stores: Sequence[LoopStore], folder: Path, now: datetime) -> Path:
    """Write *Loops*, the page of each loop and the pages that its tasks wrote, and return the file of *Loops*.

    They say what Airflow's UI shows, but for runs, which only Airflow knows, and rows' inputs, which are not for a file.

    Parameters
    ----------
    stores
        Tables of each loop.
    folder
        Where to write; made if it is not there. Files of the same names are written anew, others stay.
    now
        By the clock.
    """
    rows = [(store.loop, _write_loop(store, folder / store.loop.name, now)) for store in stores]
    facts = {"rows": rows, "now": now, "problems": 0, "here": ".", "airflow": "", "to_index": TO_INDEX}
    return _write(folder / "index.html", page("loops.html", facts).encode())


def _write_loop(store: LoopStore, folder: Path, now: datetime) -> Standing:
    stand = standing(store.loop, loop_facts(store, now), now)
    places = {"here": "..", "airflow": "", "to_index": TO_INDEX}
    facts = overview_facts(overview(store)) | {"loop": store.loop, "stand": stand, "now": now, **places}
    _write(folder / "index.html", page("index.html", facts).encode())
    for path in (path for part in WRITTEN for path in _pages_in(store, part)):
        _write(folder / "files" / path, read_file(store, path))
    return stand


def _pages_in(store: LoopStore, folder: str) -> Iterator[str]:
    """Yield the paths of pages and pictures in a folder and in those below it."""
    for name in names_in(store, folder):
        path = f"{folder}/{name}"
        if name.endswith(ENDINGS):
            yield path
        elif not PurePosixPath(name).suffix:
            yield from _pages_in(store, path)


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
