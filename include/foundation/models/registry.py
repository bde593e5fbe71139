"""The runs, versions and aliases of one loop's models, kept in MLflow."""

import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.errors import DeploymentError
from include.foundation.models.frames import features_frame
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.models.model_files import load_model, save_model

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY_TAG = "challenger_key"
CHAMPION = "champion"
CHALLENGER = "challenger"
MODEL_FOLDER = "model"


class ModelRegistry:
    """The experiment and the registered model of one loop; both have its name.

    Parameters
    ----------
    tracking_uri
        ``http(s)://…``, or ``sqlite:///…`` for MLflow without a server, with artifacts in a folder beside the database.
    loop
        Whose models they are.
    """

    def __init__(self, tracking_uri: str, loop: Loop) -> None:
        self.tracking_uri = tracking_uri
        self.loop = loop

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's client, with no state shared with anything else in the process."""
        from mlflow import MlflowClient

        if self.tracking_uri.startswith("sqlite:///"):
            Path(self.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    @cached_property
    def experiment_id(self) -> str:
        """Id of the loop's experiment, made on first use."""
        from mlflow.exceptions import MlflowException

        experiment = self.client.get_experiment_by_name(self.loop.name)
        if experiment is not None:
            return str(experiment.experiment_id)
        place = None
        if self.tracking_uri.startswith("sqlite:///"):
            beside = Path(self.tracking_uri.removeprefix("sqlite:///")).resolve().parent
            place = (beside / "artifacts" / self.loop.name).as_uri()
        try:
            return str(self.client.create_experiment(self.loop.name, artifact_location=place))
        except MlflowException:  # another process was first
            return str(self.client.get_experiment_by_name(self.loop.name).experiment_id)

    def finished_run(self, challenger_key: str) -> "Run | None":
        """Return the finished run of a challenger; runs that were killed half-way do not count."""
        query = f"tags.{KEY_TAG} = '{challenger_key}' and attributes.status = 'FINISHED'"
        runs = self.client.search_runs([self.experiment_id], query, order_by=["attributes.start_time ASC"])
        return runs[0] if runs else None

    def log_challenger(
        self,
        challenger_key: str,
        estimator: Any,
        *,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        signature_rows: pa.Table,
    ) -> str:
        """Log a fitted model as one finished run and return its id; runs of attempts that were killed are closed.

        Parameters
        ----------
        challenger_key
            What the model was made of: the same key, the same model.
        estimator
            A fitted classifier.
        params, metrics, tags
            Of the run, by name.
        signature_rows
            Rows that the model was fitted on; the signature and the example are made from them.

        Raises
        ------
        TrainingError
            If the model has parts that could not be read back safely.
        """
        self._close_killed(challenger_key)
        run_id = str(self.client.create_run(self.experiment_id, tags={KEY_TAG: challenger_key, **tags}).info.run_id)
        for name, value in params.items():
            self.client.log_param(run_id, name, value)
        for name, metric in metrics.items():
            self.client.log_metric(run_id, name, metric)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / MODEL_FOLDER
            save_model(estimator, place, features_frame(self.loop, signature_rows))
            self.client.log_artifacts(run_id, str(place), MODEL_FOLDER)
        self.client.set_terminated(run_id, "FINISHED")
        return run_id

    def log_file(self, run_id: str, name: str, content: str | bytes) -> None:
        """Keep a file with a run: a report or a picture.

        Parameters
        ----------
        run_id
            Of the run.
        name
            Relative path of the artifact, with forward slashes.
        content
            Text is written as UTF-8.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            self.client.log_artifact(run_id, str(path), str(Path(name).parent) if "/" in name else None)

    def log_metrics(self, run_id: str, metrics: Mapping[str, float], step: int) -> None:
        """Keep metrics with a run; a metric that already has a value at the step keeps it.

        Parameters
        ----------
        run_id
            Of the run.
        metrics
            Values by name.
        step
            What MLflow draws them over.
        """
        for name, value in metrics.items():
            if all(logged.step != step for logged in self.client.get_metric_history(run_id, name)):
                self.client.log_metric(run_id, name, value, step=step)

    def load(self, *, run_id: str, version: str | None = None) -> LoadedModel:
        """Return the model of a run, which may be that of a version."""
        run = self.client.get_run(run_id)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(self.client.download_artifacts(run_id, MODEL_FOLDER, folder))
            estimator = load_model(place)
        return LoadedModel(self.loop, version, run_id, run.data.tags[KEY_TAG], estimator)

    def champion(self) -> LoadedModel | None:
        """Return the live model, or None if nothing was deployed yet."""
        version = self.aliased(CHAMPION)
        if version is None:
            return None
        return self.load(run_id=str(self.client.get_model_version(self.loop.name, version).run_id), version=version)

    def aliased(self, alias: str) -> str | None:
        """Return the version an alias points at, or None."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.get_model_version_by_alias(self.loop.name, alias).version)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def set_alias(self, alias: str, version: str) -> None:
        """Point an alias at a version."""
        self.client.set_registered_model_alias(self.loop.name, alias, version)

    def version_of(self, challenger_key: str) -> str | None:
        """Return the version that a challenger was registered as, or None."""
        for version in self.client.search_model_versions(f"name = '{self.loop.name}'"):
            if version.tags.get(KEY_TAG) == challenger_key:
                return str(version.version)
        return None

    def run_of(self, version: str) -> str:
        """Return the run that a version came from."""
        return str(self.client.get_model_version(self.loop.name, version).run_id)

    def register(self, run_id: str, tags: Mapping[str, str]) -> str:
        """Register a run's model once and return its version, which gets the run's tags as well.

        Raises
        ------
        DeploymentError
            If MLflow does not finish within a minute.
        """
        own = {
            name: value
            for name, value in self.client.get_run(run_id).data.tags.items()
            if not name.startswith("mlflow.")
        }
        registered = self.version_of(own[KEY_TAG])
        if registered is not None:
            return registered
        self._ensure_registered_model()
        source = f"{self.client.get_run(run_id).info.artifact_uri}/{MODEL_FOLDER}"
        made = self.client.create_model_version(self.loop.name, source, run_id, tags={**own, **tags})
        deadline = time.monotonic() + 60
        while made.status != "READY":
            if time.monotonic() > deadline:
                raise DeploymentError(
                    f"Version {made.version} of {self.loop.name} is {made.status} after 60 s, expected READY"
                )
            time.sleep(0.2)
            made = self.client.get_model_version(self.loop.name, made.version)
        return str(made.version)

    def _ensure_registered_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(self.loop.name, description=self.loop.description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _close_killed(self, challenger_key: str) -> None:
        query = f"tags.{KEY_TAG} = '{challenger_key}' and attributes.status = 'RUNNING'"
        for run in self.client.search_runs([self.experiment_id], query):
            self.client.set_terminated(run.info.run_id, "KILLED")
