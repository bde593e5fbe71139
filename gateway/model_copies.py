"""Copies of model files beside the gateway, so that it starts again though MLflow cannot be reached."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from include.foundation.config.loop_file import Loop
from include.foundation.errors import DeploymentError
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.models.mlflow_access import told_errors
from include.foundation.models.model_files import columns_of, digest_of_files, load_model
from include.foundation.models.registry import ModelRegistry

LAST_SERVED = "champion.json"
KEPT = 3  # copies: what is live, and what a rollback most probably returns to


@dataclass(frozen=True)
class Copied:
    """A model whose files are here.

    Attributes
    ----------
    version, run_id, challenger_key
        As of `LoadedModel`.
    files_digest
        Of the files as they were copied: those that were judged, where the ledger says which those are.
    columns
        As of `LoadedModel`.
    """

    version: str
    run_id: str
    challenger_key: str
    files_digest: str
    columns: Mapping[str, bool] = field(default_factory=dict)


class ModelCopies:
    """The copies of one loop's models.

    Parameters
    ----------
    folder
        Where they lie; it is made.
    loop
        Whose models they are.
    """

    def __init__(self, folder: Path, loop: Loop) -> None:
        self.folder, self.loop = folder, loop
        folder.mkdir(parents=True, exist_ok=True)

    def last_served(self) -> Copied | None:
        """Return the model that was served last; None before the first, or if what says so cannot be read."""
        return _read(self.folder / LAST_SERVED)

    def note_served(self, copied: Copied) -> None:
        """Write down which model is served, and delete copies that were used longest ago."""
        for name in (f"{self._place(copied).name}.json", LAST_SERVED):
            partial = self.folder / f".{name}"
            partial.write_text(json.dumps(asdict(copied)))
            partial.replace(self.folder / name)
        notes = sorted(self.folder.glob("*-*.json"), key=lambda note: note.stat().st_mtime, reverse=True)
        for note in notes[KEPT:]:
            shutil.rmtree(note.with_suffix(""), ignore_errors=True)
            note.unlink()

    def obtained(self, registry: ModelRegistry, version: str, files_digest: str | None) -> Copied:
        """Return the copy of a version that is here, or one that is fetched from MLflow now.

        Parameters
        ----------
        registry
            Of the loop.
        version
            Of the model.
        files_digest
            Of the files that were judged; None if nothing says which those are.

        Raises
        ------
        RegistryError
            If MLflow cannot give them.
        DeploymentError
            If there is no such version, or its files are not those that were judged.
        """
        copied = self.here(version, files_digest)
        if copied is not None:
            return copied
        with told_errors():
            return self._fetched(registry, version, files_digest)

    def _fetched(self, registry: ModelRegistry, version: str, files_digest: str | None) -> Copied:
        run_id = registry.run_of(version)
        if run_id is None:
            raise DeploymentError(f"Version {version} of {self.loop.name} is live, but MLflow has no such version")
        with registry.files(run_id, version) as place:
            key = registry.key_of(run_id, version)
            columns = columns_of(place) if key else {}  # a model that others made must take the columns that there are
            copied = Copied(version, run_id, key, digest_of_files(place), columns)
            if files_digest not in {None, copied.files_digest}:
                raise DeploymentError(
                    f"Version {version} of {self.loop.name}: its files have the digest {copied.files_digest}, but "
                    f"{files_digest} was judged: they were changed since, and are not served"
                )
            target = self._place(copied)
            if not target.exists():
                partial = Path(tempfile.mkdtemp(prefix=".", dir=self.folder))
                shutil.copytree(place, partial, dirs_exist_ok=True)
                partial.replace(target)
        return copied

    def here(self, version: str, files_digest: str | None) -> Copied | None:
        """Return the copy of a version, if it is here with the files that were judged; its files are compared when loaded.

        Parameters
        ----------
        version
            Of the model.
        files_digest
            Of the files that were judged; without it, nothing says that a copy is still what the registry has: None.
        """
        for note in self.folder.glob(f"{version}-*.json"):
            copied = _read(note)
            if copied is not None and copied.files_digest == files_digest and self._place(copied).is_dir():
                return copied
        return None

    def load(self, copied: Copied) -> LoadedModel:
        """Read a model from its copy, of trusted types only.

        Raises
        ------
        DeploymentError
            If the copy is not there, is not what was copied, or cannot be read safely.
        """
        place = self._place(copied)
        actual = digest_of_files(place) if place.is_dir() else None
        if actual != copied.files_digest:
            shutil.rmtree(place, ignore_errors=True)
            raise DeploymentError(
                f"The copy of version {copied.version} has the digest {actual}, expected {copied.files_digest}: deleted"
            )
        return LoadedModel(
            self.loop, copied.version, copied.run_id, copied.challenger_key, load_model(place), actual, copied.columns
        )

    def _place(self, copied: Copied) -> Path:
        return self.folder / f"{copied.version}-{copied.files_digest[:16]}"


def _read(note: Path) -> Copied | None:
    try:
        return Copied(**json.loads(note.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
