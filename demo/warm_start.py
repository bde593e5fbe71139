"""Import what tasks need before Airflow forks its workers, so that not every task has to import it.

Only the Airflow of `demo.standalone` does this, and only in its scheduler, whose child processes run the tasks. What is
imported here stays as it is until that Airflow is started again.
"""

import importlib
import pkgutil

PACKAGES = ("include.foundation", "include.stages", "feedback_loop.operators")
LIBRARIES = (
    "great_expectations",
    "matplotlib.figure",
    "mlflow.sklearn",
    "pyarrow.dataset",
    "sklearn.linear_model",
    "sklearn.cluster",
    "sklearn.feature_extraction.text",
    "scipy.stats",
)


def modules() -> list[str]:
    """Return what to import: libraries, and every module of the packages that tasks use."""
    names = [*LIBRARIES]
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        names += [package, *(module.name for module in pkgutil.walk_packages(path, f"{package}."))]
    return names


for _name in modules():
    importlib.import_module(_name)
