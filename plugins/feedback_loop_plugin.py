"""What Airflow itself is to know of the project: the links of its tasks, its pages, and what takes hints of new answers."""

from airflow.plugins_manager import AirflowPlugin
from feedback_loop.links.every_link import LINKS
from feedback_loop.ui.mounting import HINTS, PAGES, PREFIX, MountedApp

OF_DAG = f"{PAGES}/dags/{{DAG_ID}}"  # Airflow's UI puts the names in


class FeedbackLoopPlugin(AirflowPlugin):
    """Registers links and pages; operators list their links themselves, so that workers compute them."""

    name = "feedback_loop"
    fastapi_apps = [  # noqa: RUF012 - as Airflow declares it
        {"name": "Feedback Loop pages", "app": MountedApp("feedback_loop.ui.pages_app"), "url_prefix": PREFIX},
        {"name": "Feedback Loop hints", "app": MountedApp("feedback_loop.ui.hints_app"), "url_prefix": HINTS},
    ]
    external_views = [  # noqa: RUF012 - as Airflow declares it
        {"name": "Loops", "href": f"{PAGES}/", "destination": "nav", "url_route": "loops"},
        {"name": "Loop", "href": f"{PAGES}/dags/{{DAG_ID}}", "destination": "dag", "url_route": "loop"},
        {
            "name": "Decisions",
            "href": f"{PAGES}/dags/{{DAG_ID}}/runs/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "decisions",
        },
    ]
    operator_extra_links = [link() for link in LINKS]  # noqa: RUF012 - as Airflow declares it
