"""The logs of one loop: segments on this machine, and where the loop reads them on S3, their way there."""

from pathlib import Path
from typing import NamedTuple

from gateway.log_writer import LogWriter
from gateway.measures import LoopMeasures
from gateway.segment_uploads import SegmentUploads
from gateway.settings import Settings
from include.foundation.config.data_sections import Source
from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError
from include.foundation.store.objects.s3_objects import client_options, options_in_environment
from include.foundation.uris import is_remote

LATE_SECONDS = 60.0  # that a complete segment may wait before somebody is told


class Place(NamedTuple):
    """Where a log is written.

    Attributes
    ----------
    folder
        Of segments.
    uri
        Of S3, where the loop reads it there.
    """

    folder: Path
    uri: str | None


class LoopLog:
    """One log of a loop.

    Parameters
    ----------
    name
        ``predictions``, ``feedback`` or ``shadow``.
    place
        Where it is written.
    settings
        Of the process.
    measures
        Of the loop.
    """

    def __init__(self, name: str, place: Place, settings: Settings, measures: LoopMeasures) -> None:
        self.name, self.place = name, place
        self._measures = measures
        self.writer = LogWriter(place.folder, settings.policy, measures.of_log(name))
        self._uploads: SegmentUploads | None = None
        if place.uri is not None:
            options = client_options(options_in_environment())
            self._uploads = SegmentUploads(place.folder, place.uri, options, measures.of_uploads(name))

    @property
    def notes(self) -> list[str]:
        """What somebody should look at, though lines are taken."""
        if self._uploads is None:
            return []
        waiting = self._uploads.backlog
        if self._uploads.problem is None and waiting.seconds < LATE_SECONDS:
            return []
        files = f"{waiting.segments} files of {self.name} ({waiting.size >> 10:,} KiB)"
        return [
            f"{files} wait on this machine for S3, the oldest for {waiting.seconds:.0f} s; the log of events says why"
        ]

    def show(self) -> None:
        """Have the metrics show this log."""
        uploads = self._uploads
        backlog = None if uploads is None else (lambda: uploads.backlog)
        self._measures.watch_log(self.name, lambda: self.writer.problem, backlog)

    def close(self) -> None:
        """Complete the log, and send what there is for a few seconds."""
        self.writer.close()
        if self._uploads is not None:
            self._uploads.close()


def places_of(loop: Loop, state: Path) -> dict[str, Place]:
    """Return where the logs of a loop are written, which is what a pull reads, or is sent there.

    Parameters
    ----------
    loop
        Of the loop file.
    state
        Folder that the gateway has for itself.

    Raises
    ------
    ConfigError
        If the loop reads them from somewhere else than where a gateway writes them.
    """
    places = {"predictions": _place(loop, "logs", loop.logs, state / loop.name / "uploads" / "predictions")}
    if loop.feedback.given:
        places["feedback"] = _place(loop, "feedback", loop.feedback, state / loop.name / "uploads" / "feedback")
    return places


def shadow_place(loop: Loop, state: Path) -> Place:
    """Return where what challengers say of live requests is written.

    Parameters
    ----------
    loop, state
        As of `places_of`.
    """
    return _place(loop, "deploy.shadow", loop.deploy.shadow.source, state / loop.name / "uploads" / "shadow")


def _place(loop: Loop, section: str, source: Source, folder: Path) -> Place:
    problems = []
    if source.format != "jsonl":
        problems.append(f"{section}.format: got {source.format}, expected jsonl")
    if source.uri is None:
        problems.append(f"{section}.uri: missing, expected a folder of this machine or s3://bucket/prefix")
    if source.columns:
        problems.append(f"{section}.columns: got other names than a gateway writes, expected none")
    if problems:
        raise ConfigError(f"Loop {loop.name} cannot be served: a gateway writes what the loop then reads", problems)
    uri = resolve(str(source.uri))
    return Place(folder, uri) if is_remote(uri) else Place(Path(uri), None)
