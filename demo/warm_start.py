"""Import what tasks need before Airflow forks its workers, so that not every task has to import it.

Only the Airflow of `demo.standalone` does this, and only in its scheduler, whose child processes run the tasks.
"""

import importlib

MODULES = (
    "great_expectations",
    "matplotlib.figure",
    "mlflow.sklearn",
    "sklearn.linear_model",
    "sklearn.cluster",
    "sklearn.feature_extraction.text",
    "scipy.stats",
    "include.stages.deployment.watching",
    "include.stages.evaluation.comparing",
    "include.stages.labels.label_validation",
    "include.stages.logs.log_validation",
    "include.stages.reports.release_notes",
    "include.stages.training.fitting",
)

for _name in MODULES:
    importlib.import_module(_name)
