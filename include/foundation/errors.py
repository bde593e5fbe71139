"""The exceptions of the loop, one for each cause that is handled differently."""

import difflib
from collections.abc import Iterable, Sequence

SHOWN = 10


class FeedbackLoopError(Exception):
    """Base of every error the loop raises on purpose.

    Parameters
    ----------
    message
        What was got, what was expected, where, and what to do about it.
    problems
        Every problem found, in order; the text shows the first ten and counts the rest.

    Examples
    --------
    >>> print(ConfigError("newswire.yaml is not valid", ["a: got 1", "b: got 2"]))
    newswire.yaml is not valid (2 problems)
      1. a: got 1
      2. b: got 2
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        self.message = message
        self.problems = list(problems)
        super().__init__(message)

    def __str__(self) -> str:
        if not self.problems:
            return self.message
        noun = "problem" if len(self.problems) == 1 else "problems"
        return listed(f"{self.message} ({len(self.problems)} {noun})", self.problems)


class ConfigError(FeedbackLoopError):
    """A loop file, connection or parameter is wrong: a person must change it; retrying cannot help."""


class ContractError(FeedbackLoopError):
    """Data that crosses a public edge does not have the promised shape."""


class DataQualityError(FeedbackLoopError):
    """Too much of a batch is bad: the loop stops before it learns from it."""


class StoreError(FeedbackLoopError):
    """A table cannot be read or committed."""


class VersionGoneError(StoreError):
    """A version of a table can be read no more: Delta's log or files of it were removed."""


class RowsGoneError(StoreError):
    """Rows that were read are not in their table any more: its log, or files of it, were removed."""


class NoSuchFileError(StoreError):
    """There is no such file beside the tables."""


class ObjectChangedError(StoreError):
    """An object is not the one that was listed: it was replaced or deleted since."""


class FileTooLargeError(StoreError):
    """A file is larger, once it is unpacked, than one task may read."""


class LabelingError(FeedbackLoopError):
    """The labeling backend refused or lost something."""


class TrainingError(FeedbackLoopError):
    """A model cannot be trained from this dataset and configuration."""


class RegistryError(FeedbackLoopError):
    """The model registry cannot be reached, or lacks a model's files."""


class DeploymentError(FeedbackLoopError):
    """A deployment is refused: the evidence, the approval or the live version is not what was promised."""


class ManifestError(FeedbackLoopError):
    """The repository of manifests cannot be written now: git refuses, or its remote cannot be reached."""


class NothingToDo(FeedbackLoopError):  # noqa: N818 - not a failure: the task is skipped with this reason
    """There is no work for this stage now; the reason says why."""


def listed(head: str, items: Sequence[str]) -> str:
    """Return a text with a line for each of the first ten items and the number of the others.

    Examples
    --------
    >>> print(listed("Not read:", ["a.csv", "b.csv"]))
    Not read:
      1. a.csv
      2. b.csv
    """
    lines = [head, *(f"  {number}. {item}" for number, item in enumerate(items[:SHOWN], start=1))]
    if len(items) > SHOWN:
        lines.append(f"  … and {len(items) - SHOWN} more")
    return "\n".join(lines)


def short(value: object, longest: int = 60) -> str:
    """Return a value's text as a message can hold it: at most so many characters.

    Examples
    --------
    >>> short("a" * 20, longest=10)
    "'aaaaaa…"
    """
    text = repr(value)
    return text if len(text) <= longest else f"{text[: longest - 3]}…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message that suggests the nearest known name; empty if none is near.

    Examples
    --------
    >>> did_you_mean("shcedule", ["schedule", "format"])
    ", did you mean 'schedule'?"
    >>> did_you_mean("colour", ["schedule", "format"])
    ''
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
