"""What earlier demos left, and how it is removed."""

import shutil
from pathlib import Path

from demo.label_studio_server import LabelStudioServer
from demo.standalone import Standalone
from include.foundation.config.loading import ROOT
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError


def remove_earlier_demos(loop: Loop, airflow: Standalone) -> None:
    """Remove what earlier demos left.

    Raises
    ------
    ConfigError
        If the store has a loop that no demo made; nothing was removed then.
    """
    store, marker = Path(airflow.store), airflow.home / "demo.txt"
    played = set(marker.read_text().split()) if marker.is_file() else set()
    present = {folder.name for folder in store.iterdir()} if store.is_dir() else set()
    foreign = sorted(present - played)
    if foreign:
        raise ConfigError(
            f"{store} holds loops that the demo did not make: {', '.join(foreign)}. It starts from nothing and would remove "
            "them; run it in another clone"
        )
    for name in sorted(played):
        shutil.rmtree(ROOT / "data" / name, ignore_errors=True)
    for folder in (ROOT / "data" / loop.name, store, ROOT / "data" / "mlflow", airflow.home):
        if folder.exists():
            print(f"Removing {folder}, which an earlier demo left")
            shutil.rmtree(folder)
    airflow.home.mkdir(parents=True)
    marker.write_text(loop.name)


def remove_earlier_projects(server: LabelStudioServer) -> None:
    """Remove what an earlier demo left in Label Studio.

    Raises
    ------
    ConfigError
        If it has been used for something else; nothing was removed then.
    """
    marker = server.home / "demo.txt"
    if server.data.is_dir() and not marker.is_file():
        raise ConfigError(
            f"{server.data} holds projects that the demo did not make. It starts from nothing and would remove them; run it in "
            "another clone"
        )
    shutil.rmtree(server.data, ignore_errors=True)
    server.home.mkdir(parents=True, exist_ok=True)
    marker.touch()
