"""What Airflow itself is to know of the project: the links of its tasks, its pages, and what takes hints of new answers."""

from airflow.plugins_manager import AirflowPlugin
from feedback_loop.links.labeling_link import LabelingLink
from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.links.page_links import DriftVerdictLink, LabelDataDocsLink, LogDataDocsLink, ReleaseNotesLink
from feedback_loop.ui.mounting import HINTS, PREFIX, MountedApp


class FeedbackLoopPlugin(AirflowPlugin):
    """Registers links and pages; operators list their links themselves, so that workers compute them."""

    name = "feedback_loop"
    fastapi_apps = [  # noqa: RUF012 - as Airflow declares it
        {"name": "Feedback Loop pages", "app": MountedApp("feedback_loop.ui.pages_app"), "url_prefix": PREFIX},
        {"name": "Feedback Loop hints", "app": MountedApp("feedback_loop.ui.hints_app"), "url_prefix": HINTS},
    ]
    operator_extra_links = [  # noqa: RUF012 - as Airflow declares it
        DriftVerdictLink(), LabelDataDocsLink(), LabelingLink(), LogDataDocsLink(), MlflowRunLink(), ReleaseNotesLink(),
    ]  # fmt: skip
