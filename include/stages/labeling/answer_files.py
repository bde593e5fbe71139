"""Files of answers: listed and read as log files are, each line once."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.foundation.lines.file_bytes import count_newlines
from include.foundation.lines.line_files import Line, read_lines
from include.foundation.lines.sources import Access, LogFile, NotRead, files_and_others
from include.foundation.store.objects.object_store import ANY
from include.stages.labeling.answers_read import FileMark
from include.stages.logs.slices.file_slices import Slice, edges, is_divisible, without_unfinished_line

LOCAL = Access()


def files_in(folder: Path, named: re.Pattern[str] = ANY) -> tuple[list[LogFile], list[NotRead]]:
    """Return the files of JSON lines in a folder and below it, and what else there is; nothing if there is no such folder."""
    return files_and_others(str(folder), "jsonl", {}, named) if folder.is_dir() else ([], [])


def unread_lines(
    file: LogFile, mark: FileMark | None, reader: str, patience: timedelta
) -> tuple[list[Line], FileMark | None]:
    """Return the lines of a file that were not read yet, and how far it is read then; None if nothing is new.

    Parameters
    ----------
    file
        The file.
    mark
        How far it was read before. If its beginning has changed since, it is read anew.
    reader
        Digest of what decides which lines are answers.
    patience
        How long after the file was written the rest of a last line that has no end may still come.
    """
    if mark is not None and mark.reader != reader:
        mark = None
    if mark is not None and mark.fingerprint == file.fingerprint and mark.end_byte == file.size:
        return [], None
    goes_on = mark is not None and is_divisible(file.name) and edges(file, mark.end_byte, LOCAL) == mark.content
    start, before = (mark.end_byte, mark.lines) if mark is not None and goes_on else (0, 0)
    file_slice = Slice(file, start, file.size)
    if datetime.now(UTC) - file.written_at < patience:
        file_slice = without_unfinished_line(file_slice, LOCAL)
    if mark is not None and goes_on and file_slice.end <= start:
        return [], None
    lines, number = _lines(file_slice) if file_slice.end > start else ([], 0)
    content = edges(file, file_slice.end, LOCAL) or ""
    read = FileMark(
        source=file.name,
        reader=reader,
        fingerprint=file.fingerprint,
        end_byte=file_slice.end,
        lines=before + number,
        content=content,
    )
    return [line.moved(before) for line in lines], read


def _lines(file_slice: Slice) -> tuple[list[Line], int]:
    """Return the lines of a slice that are not empty, and the number of all of them."""
    with file_slice.opened(LOCAL) as path:
        content = path.read_bytes()
        return list(read_lines(path)), count_newlines(content) + (not content.endswith(b"\n"))
