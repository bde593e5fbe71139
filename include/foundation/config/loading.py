"""Find and read loop files, and say everything that is wrong with them at once."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from include.foundation.config.key_problems import valid_loop
from include.foundation.config.loop_file import Loop
from include.foundation.config.strict_yaml import read_yaml
from include.foundation.errors import ConfigError, did_you_mean
from include.foundation.uris import is_remote, why_no_place

ROOT = Path(__file__).resolve().parents[3]
LOOPS_DIR_VARIABLE = "FEEDBACK_LOOP_LOOPS_DIR"
ENDING = ".yaml"
LARGEST = 256 << 10
ALIKE = (".yml", ".yaml.txt", ".yml.txt")


def loops_dir() -> Path:
    """Return the folder of loop files: ``include/loops``, or where ``FEEDBACK_LOOP_LOOPS_DIR`` points."""
    return Path(os.environ.get(LOOPS_DIR_VARIABLE) or ROOT / "include" / "loops")


def resolve(uri: str) -> str:
    """Return a URI or path with a relative path made to start at the repository root.

    Raises
    ------
    ConfigError
        If it leads neither to a folder nor to a bucket.

    Examples
    --------
    >>> resolve("s3://bucket/logs")
    's3://bucket/logs'
    """
    if why := why_no_place(uri):
        raise ConfigError(why)
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
        With every problem of the file: line, key, what was got, what was expected, the nearest known key.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"{shown(path)} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{shown(path)} is no file")
    if status.st_size > LARGEST:
        raise ConfigError(f"{shown(path)} has {status.st_size} bytes, expected at most {LARGEST}")
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
    try:
        return valid_loop(read_yaml(path.read_bytes().decode("utf-8-sig")), path.stem)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{shown(path)} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
        ) from error
    except OSError as error:
        raise ConfigError(f"{shown(path)} cannot be read: {error.strerror}") from error
    except ConfigError as error:
        raise ConfigError(f"{shown(path)} {error.message}", error.problems) from error


def shown(path: Path) -> str:
    """Return a path as a message can hold it: a name of any bytes can be printed."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def loop_paths() -> list[Path]:
    """Return the loop files: every ``*.yaml`` of the loops folder that is not hidden, in name order.

    Raises
    ------
    ConfigError
        If there is no such folder.
    """
    return [path for path in _entries() if path.name.endswith(ENDING)]


def _entries() -> list[Path]:
    """Return what is in the loops folder and not hidden: an editor's lock begins with a dot."""
    folder = loops_dir()
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        advice = f"make it, or mend {LOOPS_DIR_VARIABLE}"
        raise ConfigError(
            f"{shown(folder)}: the folder of loop files cannot be listed: {error.strerror}; {advice}"
        ) from error


def misnamed() -> Iterator[str]:
    """Yield a problem for each file that looks like a loop file and is not read as one."""
    for path in _entries():
        name = path.name.lower()
        if name.endswith(ALIKE) or (name.endswith(ENDING) and not path.name.endswith(ENDING)):
            yield f"{shown(Path(path.name))} is not read: the name of a loop file ends in {ENDING}; rename it"


def checked_loops() -> tuple[list[Loop], list[str]]:
    """Return the loops whose files are valid, and every problem of the others, each with its file."""
    loops, problems = [], list(misnamed())
    for path in loop_paths():
        try:
            loops.append(load_loop(path))
        except ConfigError as error:
            name = shown(Path(path.name))
            problems += [f"{name}: {problem}" for problem in error.problems] or [error.message]
    return loops, problems + list(_shared_places(loops))


def _shared_places(loops: list[Loop]) -> Iterator[str]:
    """Yield a problem for each folder or project in which two loops would take each other's answers for their own."""
    owners: dict[tuple[str, str], str] = {}
    for loop in loops:
        for key, place in _labeling_places(loop):
            if (key, place) in owners:
                owner = owners[key, place]
                yield f"{loop.name}.yaml: labeling.{key}: {place} is that of {owner}, too; each loop has its own"
            owners.setdefault((key, place), loop.name)


def _labeling_places(loop: Loop) -> list[tuple[str, str]]:
    """Return the key and the name of each place that holds a loop's requests and answers."""
    if loop.labeling.backend != "label_studio":
        return [("uri", resolve(loop.labeling.uri or f"data/{loop.name}/labeling"))]
    return [("project", f"{title!r} at {loop.labeling.connection}") for title in dict.fromkeys(loop.tier_projects)]


def load_loops() -> tuple[Loop, ...]:
    """Read every loop file, in name order.

    Raises
    ------
    ConfigError
        With the problems of all files.
    """
    loops, problems = checked_loops()
    if problems:
        raise ConfigError("Loop files are not valid", problems)
    return tuple(loops)


def valid_loops() -> tuple[Loop, ...]:
    """Read every loop file that is valid, so that one broken file does not stop the other loops.

    `load_loops` says what is wrong with the rest; ``dags/check_loop_files.py`` shows it in the UI.
    """
    loops = []
    for path in loop_paths():
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
    paths = {path.name.removesuffix(ENDING): path for path in loop_paths()}
    if name not in paths:
        there_are = f"there are: {', '.join(map(shown, map(Path, paths))) or 'none'}"
        raise ConfigError(f"No loop {name!r} in {shown(loops_dir())}; {there_are}{did_you_mean(name, paths)}")
    return load_loop(paths[name])
