"""Make or migrate the tables of MLflow in a SQLite file: ``python -m demo.mlflow_tables sqlite:///…``.

MLflow makes them when it is first used, and two tasks that do so at once disturb each other.
"""

import sys
from pathlib import Path


def make_tables(tracking_uri: str) -> None:
    """Make the tables unless they are there; what is there stays."""
    from mlflow import MlflowClient

    Path(tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri).search_experiments(max_results=1)


if __name__ == "__main__":
    make_tables(sys.argv[1])
