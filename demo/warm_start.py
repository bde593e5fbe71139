"""Import what tasks need before Airflow forks the processes that run them, and so for parsing DAG files.

Only the Airflow of `demo.standalone` does this. What is imported here stays as it is until that Airflow is started again.
"""

import importlib
import pkgutil
from collections.abc import Iterable

OPERATORS = "feedback_loop.operators"
STAGES = ("include.foundation", "include.stages")
LIBRARIES = (
    "great_expectations",
    "mlflow.sklearn",
    "pyarrow.dataset",
    "sklearn.linear_model",
    "sklearn.cluster",
    "sklearn.feature_extraction.text",
    "scipy.stats",
)


def modules_of(packages: Iterable[str]) -> list[str]:
    """Return the packages and every module below them."""
    names = []
    for package in packages:
        path = importlib.import_module(package).__path__
        names += [package, *(module.name for module in pkgutil.walk_packages(path, f"{package}."))]
    return names


def import_for_tasks() -> None:
    """Import what tasks use: libraries, all stages, and the operators."""
    for name in [*LIBRARIES, *modules_of([*STAGES, OPERATORS])]:
        importlib.import_module(name)


def import_for_parsing() -> None:
    """Import what DAG files use; they and the loop files are read anew each time."""
    for name in modules_of([OPERATORS]):
        importlib.import_module(name)
