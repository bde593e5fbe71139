"""The links that our tasks have."""

from airflow.sdk import BaseOperatorLink

from feedback_loop.links.labeling_link import LabelingLink
from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.links.page_links import (
    DriftVerdictLink,
    EvaluationLink,
    LabelDataDocsLink,
    LogDataDocsLink,
    ReleaseNotesLink,
)

LINKS: tuple[type[BaseOperatorLink], ...] = (
    DriftVerdictLink,
    EvaluationLink,
    LabelDataDocsLink,
    LabelingLink,
    LogDataDocsLink,
    MlflowRunLink,
    ReleaseNotesLink,
)
