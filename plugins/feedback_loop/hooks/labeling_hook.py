"""The labeling platform's connection."""

from pathlib import Path
from typing import TYPE_CHECKING

from feedback_loop.hooks.aws_access import s3_options
from feedback_loop.hooks.loop_hook import LoopHook, demand_writable
from feedback_loop.ui.mounting import PAGES, airflow_address, hint_address
from include.foundation.config.loading import loop_named, resolve
from include.foundation.errors import ConfigError
from include.foundation.uris import is_remote

if TYPE_CHECKING:
    from include.stages.labeling.backend_contract import BackendConnection, LabelingBackend, Webhook


class LabelingHook(LoopHook):
    """Open the labeling backend that the loop file names.

    The ``files`` backend needs no connection. ``label_studio`` reads one: its host and port, ``https`` as its schema where
    that is spoken, and the API token as its password; its extra may have ``ui_uri``, where browsers reach it,
    ``webhook_secret``, with which it sends hints of new answers, and ``webhook_url``, where it reaches Airflow. ``manifests``
    on S3 reads one of type ``aws``, see `s3_options`.

    Parameters
    ----------
    loop
        Name of the loop.
    labeling_conn_id
        Id of the connection; by default ``labeling.connection`` of the loop file.
    """

    conn_name_attr = "labeling_conn_id"
    default_conn_name = "label_studio"
    conn_type = "http"
    hook_name = "Feedback Loop labeling"

    def __init__(self, loop: str, labeling_conn_id: str | None = None) -> None:
        super().__init__(labeling_conn_id)
        self.loop = loop

    @property
    def conn_id(self) -> str:
        """Id of the connection: the argument, or what the loop file names."""
        return str(getattr(self, self.conn_name_attr) or loop_named(self.loop).labeling.connection)

    def get_conn(self) -> "LabelingBackend":
        """Return the backend, ready to push and pull."""
        from include.stages.labeling.backends import backend_for

        loop = loop_named(self.loop)
        if loop.labeling.backend == "manifests" and is_remote(loop.labeling.uri or ""):
            return backend_for(loop, None, s3_options(self.conn_id))
        if loop.labeling.backend != "label_studio":
            return backend_for(loop, None)
        try:
            return backend_for(loop, self._platform())
        except ConfigError as error:
            raise ConfigError(f"Connection {self.conn_id}: {error.message}", error.problems) from error

    def page(self, from_tier: int = 1, batch_id: str | None = None) -> str | None:
        """Return where people of the first tier from a number on label, as browsers reach it; with a batch, its tasks alone.

        None if the backend has no page, or none of these tiers has a project yet.
        """
        loop = loop_named(self.loop)
        if loop.labeling.backend != "label_studio":
            return None
        from include.stages.labeling.label_studio.studio_api import StudioClient
        from include.stages.labeling.label_studio.studio_project import known_project
        from include.stages.labeling.label_studio.studio_views import tab_of_batch
        from include.stages.labeling.tiered_backend import as_tier_sees_it

        platform = self._platform()
        base, client = (self.text_in_extra("ui_uri") or platform.host).rstrip("/"), StudioClient(platform)
        for number in range(from_tier, len(loop.tiers) + 1 if from_tier > 1 else 2):
            if project := known_project(as_tier_sees_it(loop, number), client):
                tab = f"?tab={tab_of_batch(batch_id)}" if batch_id else ""
                return f"{base}/projects/{project.project_id}/data{tab}"
        return None

    @property
    def webhook_secret(self) -> str | None:
        """The secret that comes with every hint; None if there are to be none.

        Raises
        ------
        ConfigError
            If it is easily guessed, or cannot be sent in a header.
        """
        if loop_named(self.loop).labeling.backend != "label_studio":
            return None
        from include.foundation.store.person_keys import MAKE_ONE, weakness_of

        secret = self.text_in_extra("webhook_secret")
        if secret is None:
            return None
        unfit = "" if secret.isascii() and secret.isprintable() else "has signs that no header can hold"
        if weakness := unfit or weakness_of(secret.encode()):
            raise ConfigError(
                f"Connection {self.conn_id}: webhook_secret in its extra {weakness}; make one with {MAKE_ONE}"
            )
        return secret

    def check(self) -> str:
        """Demand a folder that can be written to, or an answer of the platform."""
        backend = self.get_conn()
        loop = loop_named(self.loop)
        folder = resolve(loop.labeling.uri or f"data/{loop.name}/labeling")
        if loop.labeling.backend != "label_studio" and not is_remote(folder):
            demand_writable(Path(folder))
            return f"{folder}: requests can be written, and answers read"
        backend.existing([])
        return f"{folder if loop.labeling.backend == 'manifests' else self._platform().host} answers"

    def _platform(self) -> "BackendConnection":
        from include.stages.labeling.backend_contract import BackendConnection

        connection = self.connection
        host = (connection.host or "").strip().rstrip("/")
        address = host if "://" in host else f"{connection.schema or 'http'}://{host}"
        return BackendConnection(
            host=f"{address}:{connection.port}" if connection.port else address,
            token=connection.password or "",
            webhook=self._webhook(),
            loop_page=airflow_address(f"{PAGES}/{self.loop}"),
        )

    def _webhook(self) -> "Webhook | None":
        from include.stages.labeling.backend_contract import Webhook

        secret, base = self.webhook_secret, self.text_in_extra("webhook_url")
        if base is None:
            return None
        if secret is None or not base.startswith(("http://", "https://")):
            raise ConfigError(
                f"Connection {self.conn_id}: webhook_url in its extra needs a webhook_secret beside it, and is to be the "
                "address at which Label Studio reaches Airflow, such as https://airflow.example.org"
            )
        return Webhook(f"{base.rstrip('/')}{hint_address(self.loop)}", secret)
