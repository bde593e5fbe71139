"""The runs of one loop's models, in its MLflow experiment: parameters, metrics, and the model's files."""

import contextlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.models.frames import features_frame
from include.foundation.models.mlflow_access import experiment_named, open_client
from include.foundation.models.model_files import save_model
from include.foundation.store.objects.scratch_folders import scratch_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY_TAG = "challenger_key"
DIGEST_TAG = "model_digest"
NOTE_TAG = "mlflow.note.content"  # what MLflow shows as a run's description
MODEL_FOLDER = "model"


class RunLog:
    """The experiment of one loop, which has its name.

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
        return open_client(self.tracking_uri)

    @cached_property
    def experiment_id(self) -> str:
        """Id of the loop's experiment, made on first use."""
        return experiment_named(self.client, self.tracking_uri, self.loop.name)

    def finished_run(self, challenger_key: str) -> "Run | None":
        """Return the finished run of a challenger; neither one that was killed half-way counts, nor one that others wrote."""
        query = f"tags.{KEY_TAG} = '{challenger_key}' and attributes.status = 'FINISHED'"
        runs = self.client.search_runs([self.experiment_id], query, order_by=["attributes.start_time ASC"])
        return next((run for run in runs if DIGEST_TAG in run.data.tags), None)

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
        """Log a fitted model as one finished run and return its id.

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
        run_id = str(self.client.create_run(self.experiment_id, tags={KEY_TAG: challenger_key, **tags}).info.run_id)
        for name, value in params.items():
            self.client.log_param(run_id, name, value)
        for name, metric in metrics.items():
            self.client.log_metric(run_id, name, metric)
        with scratch_folder() as folder:
            place = folder / MODEL_FOLDER
            metadata = {"loop": self.loop.name, "inputs": {name: item.type for name, item in self.loop.inputs.items()}}
            save_model(estimator, place, features_frame(self.loop, signature_rows), metadata)
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
        with scratch_folder() as folder:
            path = folder / Path(name).name
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

    def keep_only(self, run_id: str, challenger_key: str) -> None:
        """Close what killed trainings of a challenger left running, and delete what slower ones finished; it can be restored.

        Parameters
        ----------
        run_id
            Of the run that counts.
        challenger_key
            Of the challenger.
        """
        from mlflow.exceptions import MlflowException

        for run in self.client.search_runs([self.experiment_id], f"tags.{KEY_TAG} = '{challenger_key}'"):
            with contextlib.suppress(MlflowException):  # another attempt has done it
                if run.info.run_id != run_id and run.info.status == "RUNNING":
                    self.client.set_terminated(run.info.run_id, "KILLED")
                elif run.info.run_id != run_id and run.info.status == "FINISHED":
                    self.client.delete_run(run.info.run_id)
