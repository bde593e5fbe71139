"""What Airflow itself is to know of the project: the links of its tasks, and the application that serves its pages."""

from airflow.plugins_manager import AirflowPlugin
from feedback_loop.links.labeling_link import LabelingLink
from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.links.page_links import DriftVerdictLink, LabelDataDocsLink, LogDataDocsLink, ReleaseNotesLink
from feedback_loop.ui.mounting import PREFIX, MountedPages


class FeedbackLoopPlugin(AirflowPlugin):
    """Registers links and pages; operators list their links themselves, so that workers compute them."""

    name = "feedback_loop"
    fastapi_apps = [  # noqa: RUF012 - as Airflow declares it
        {"name": "Feedback Loop pages", "app": MountedPages(), "url_prefix": PREFIX}
    ]
    operator_extra_links = [  # noqa: RUF012 - as Airflow declares it
        DriftVerdictLink(), LabelDataDocsLink(), LabelingLink(), LogDataDocsLink(), MlflowRunLink(), ReleaseNotesLink(),
    ]  # fmt: skip
