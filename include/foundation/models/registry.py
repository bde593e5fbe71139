"""The versions and aliases of one loop's models, kept in MLflow beside their runs."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include.foundation.errors import DeploymentError, RegistryError
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.models.model_files import columns_of, digest_of_files, load_model
from include.foundation.models.run_log import KEY_TAG, MODEL_FOLDER, RunLog
from include.foundation.store.objects.scratch_folders import scratch_folder

CHAMPION = "champion"
CHALLENGER = "challenger"
ALIAS_ATTEMPTS = 5
VERSION = re.compile("[0-9]{1,18}")  # what MLflow takes for one at all


class ModelRegistry(RunLog):
    """The experiment and the registered model of one loop; both have its name, and parameters are as those of `RunLog`."""

    def load(self, *, run_id: str, version: str | None = None, files_digest: str | None = None) -> LoadedModel:
        """Return the model of a run, or of a version that was made of it.

        Parameters
        ----------
        run_id
            Of the run.
        version
            Of the registered model; its files are read where it says that they are.
        files_digest
            That the files must have; of any if None.

        Raises
        ------
        RegistryError
            If MLflow cannot give the files.
        DeploymentError
            If they are not those that were judged, or they cannot be read safely.
        """
        with self.files(run_id, version) as place:
            digest = digest_of_files(place)
            if files_digest not in {None, digest}:
                raise DeploymentError(
                    f"{self._name(run_id, version)}: its files have the digest {digest}, but {files_digest} was judged: "
                    "they were changed since, and are not read; restore them from a backup, or train a new challenger"
                )
            estimator = load_model(place)
            key = self.key_of(run_id, version)
            columns = columns_of(place) if key else {}  # a model that others made must take the columns that there are
        return LoadedModel(self.loop, version, run_id, key, estimator, digest, columns)

    def files_digest(self, *, run_id: str, version: str | None = None) -> str:
        """Return the digest of the files of a run's model, or of a version's, without reading the model.

        Raises
        ------
        RegistryError
            If MLflow cannot give the files.
        """
        with self.files(run_id, version) as place:
            return digest_of_files(place)

    def champion(self) -> LoadedModel | None:
        """Return the live model, or None if nothing was deployed yet."""
        version = self.aliased(CHAMPION)
        return None if version is None else self.load(run_id=str(self.run_of(version)), version=version)

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
        """Point an alias at a version; where another process sets it at the same time, again."""
        from mlflow.exceptions import MlflowException

        for left in reversed(range(ALIAS_ATTEMPTS)):
            try:
                self.client.set_registered_model_alias(self.loop.name, alias, version)
            except MlflowException:
                if not left:
                    raise
            else:
                break

    def versions_of(self, challenger_key: str) -> list[str]:
        """Return the versions that a challenger was registered as, oldest first: one, unless several registered it at once."""
        condition = f"name = '{self.loop.name}' and tag.{KEY_TAG} = '{challenger_key}'"
        return [str(version.version) for version in self._versions(condition)]

    def versions_by_challenger(self) -> dict[str, list[str]]:
        """Return the versions that each challenger was registered as, by its key, in one request per 200 versions."""
        versions: dict[str, list[str]] = {}
        for version in self._versions(f"name = '{self.loop.name}'"):
            versions.setdefault(version.tags.get(KEY_TAG, ""), []).append(str(version.version))
        return versions

    def _versions(self, condition: str) -> Iterator[Any]:
        """Yield the registered versions that meet a condition, oldest first."""
        token = None
        while True:
            page = self.client.search_model_versions(condition, order_by=["version_number ASC"], page_token=token)
            yield from page
            if not (token := page.token):
                return

    def version_of(self, challenger_key: str) -> str | None:
        """Return the version that a challenger was registered as, or None."""
        versions = self.versions_of(challenger_key)
        return versions[0] if versions else None

    def run_of(self, version: str) -> str | None:
        """Return the run that a version came from; None if the registry has no such version."""
        from mlflow.exceptions import MlflowException

        if not VERSION.fullmatch(version):
            return None
        try:
            return str(self.client.get_model_version(self.loop.name, version).run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def discard_version(self, version: str) -> None:
        """Delete a version whose challenger is registered as another one."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.delete_model_version(self.loop.name, version)
        except MlflowException:
            if self.run_of(version) is not None:  # else another process has deleted it
                raise

    def register(self, run_id: str, tags: Mapping[str, str]) -> str:
        """Register a run's model once and return its version, which gets the run's tags as well.

        Raises
        ------
        RegistryError
            If the run has lost the tag that says which challenger it is.
        DeploymentError
            If MLflow does not finish within a minute.
        """
        own = {
            name: value
            for name, value in self.client.get_run(run_id).data.tags.items()
            if not name.startswith("mlflow.")
        }
        if KEY_TAG not in own:
            raise RegistryError(
                f"Run {run_id} in MLflow has lost its tag {KEY_TAG}: set it again, or train a new challenger"
            )
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

    @contextmanager
    def files(self, run_id: str, version: str | None) -> Iterator[Path]:
        """Give the files of a model in a temporary folder; those of a version come from where it says that they are.

        Raises
        ------
        RegistryError
            If MLflow cannot give them.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        with scratch_folder() as folder:
            try:
                if version is None:
                    place = self.client.download_artifacts(run_id, MODEL_FOLDER, str(folder))
                else:
                    uri = self.client.get_model_version_download_uri(self.loop.name, version)
                    place = download_artifacts(artifact_uri=uri, dst_path=str(folder), tracking_uri=self.tracking_uri)
            except (MlflowException, OSError) as error:
                raise RegistryError(
                    f"{self._name(run_id, version)}: MLflow cannot give its files: {error}; if they are gone, restore a backup"
                ) from error
            yield Path(place)

    def key_of(self, run_id: str, version: str | None) -> str:
        """Return the key of the challenger that a model was; a version has it too, and may outlive its run."""
        from mlflow.exceptions import MlflowException

        if version is not None and (key := self.client.get_model_version(self.loop.name, version).tags.get(KEY_TAG)):
            return str(key)
        try:
            return str(self.client.get_run(run_id).data.tags.get(KEY_TAG, ""))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ""

    def _name(self, run_id: str, version: str | None) -> str:
        return f"Model {self.loop.name}, {f'run {run_id}' if version is None else f'version {version}'}"

    def _ensure_registered_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(self.loop.name, description=self.loop.description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
