"""Read loop files and say everything that is wrong with them at once."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, did_you_mean, short
from include.foundation.uris import is_remote

ROOT = Path(__file__).resolve().parents[3]
LOOPS_DIR_VARIABLE = "FEEDBACK_LOOP_LOOPS_DIR"


def loops_dir() -> Path:
    """Return the folder of loop files: ``include/loops``, or where ``FEEDBACK_LOOP_LOOPS_DIR`` points."""
    return Path(os.environ.get(LOOPS_DIR_VARIABLE) or ROOT / "include" / "loops")


def resolve(uri: str) -> str:
    """Return a URI or path with a relative path made to start at the repository root.

    Examples
    --------
    >>> resolve("s3://bucket/logs")
    's3://bucket/logs'
    """
    return uri if is_remote(uri) else str((ROOT / uri).resolve())


def load_loop(path: Path) -> Loop:
    """Read one loop file.

    Parameters
    ----------
    path
        A YAML file whose stem is the loop's name.

    Returns
    -------
    Loop
        The validated, frozen configuration.

    Raises
    ------
    ConfigError
        With every problem of the file: key, what was got, what was expected, the nearest known key.
    """
    status = path.stat()
    return _load(_Revision(path, status.st_mtime_ns, status.st_size))


@dataclass(frozen=True)
class _Revision:
    """A loop file as it was last written: another time or size is another revision."""

    path: Path
    written_ns: int
    size: int


@lru_cache(maxsize=1024)  # four DAG files ask for each
def _load(revision: _Revision) -> Loop:
    path = revision.path
    raw = _read(path)
    try:
        loop = Loop.model_validate(raw)
    except ValidationError as error:
        problems = [_say(problem, raw) for problem in error.errors(include_url=False)]
        raise ConfigError(f"{path} is not a valid loop file", problems) from None
    if loop.name != path.stem:
        raise ConfigError(f"{path}: name is {loop.name!r}, expected {path.stem!r}: the file's stem is the loop's name")
    return loop


def load_loops(folder: Path | None = None) -> tuple[Loop, ...]:
    """Read every ``*.yaml`` of the loops folder, in name order.

    Raises
    ------
    ConfigError
        With the problems of all files.
    """
    loops, problems = [], []
    for path in sorted((folder or loops_dir()).glob("*.yaml")):
        try:
            loops.append(load_loop(path))
        except ConfigError as error:
            problems += [f"{path.name}: {problem}" for problem in error.problems or [error.message]]
    if problems:
        raise ConfigError("Loop files are not valid", problems)
    return tuple(loops)


def valid_loops() -> tuple[Loop, ...]:
    """Read every loop file that is valid, so that one broken file does not stop the other loops.

    `load_loops` says what is wrong with the rest; ``dags/check_loop_files.py`` shows it in the UI.
    """
    loops = []
    for path in sorted(loops_dir().glob("*.yaml")):
        with contextlib.suppress(ConfigError):
            loops.append(load_loop(path))
    return tuple(loops)


def loop_named(name: str) -> Loop:
    """Read the loop file called ``name``.

    Raises
    ------
    ConfigError
        If there is no such file, with the nearest existing name.
    """
    path = loops_dir() / f"{name}.yaml"
    if not path.is_file():
        names = [file.stem for file in sorted(loops_dir().glob("*.yaml"))]
        raise ConfigError(
            f"No loop {name!r} in {loops_dir()}; there are: {', '.join(names) or 'none'}{did_you_mean(name, names)}"
        )
    return load_loop(path)


def _read(path: Path) -> Any:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader below
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: got {type(raw).__name__}, expected a mapping of the keys of a loop file")
    return raw


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, refusing a key that is given twice: YAML would silently keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"key given twice: {', '.join(twice)}", node.start_mark)
        return dict(super().construct_mapping(node, deep=deep))


def _say(problem: Any, raw: Any) -> str:
    """Return one pydantic problem as ``key: got …, expected …``."""
    where = ".".join(str(part) for part in problem["loc"]) or "file"
    if problem["type"] == "extra_forbidden":
        known = list(_fields_at(problem["loc"][:-1]))
        return f"{where}: unknown key{did_you_mean(str(problem['loc'][-1]), known)}; known: {', '.join(known)}"
    if problem["type"] == "missing":
        return f"{where}: missing, expected a value"
    expected = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{where}: {expected}"
    return f"{where}: got {short(problem['input'], longest=80)}, expected: {expected[0].lower()}{expected[1:]}"


def _fields_at(location: Iterable[int | str]) -> Iterable[str]:
    """Return the known keys of the model that ``location`` leads to."""
    model: Any = Loop
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[str(part)].annotation
            continue
        model = model.__args__[-1] if hasattr(model, "__args__") else model
    while hasattr(model, "__args__"):
        model = model.__args__[-1]
    return list(model.model_fields)
