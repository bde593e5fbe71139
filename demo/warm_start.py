"""Import what tasks need before Airflow forks its local workers, so that each task does not import it again.

Only the private Airflow of `demo.standalone` does this, and only in its scheduler, whose children run the tasks.
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
