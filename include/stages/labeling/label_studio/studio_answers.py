"""Annotations of Label Studio as answers: who wrote each, what it says, and what of it is no answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from include.foundation.lines.line_files import Line
from include.foundation.lines.values import json_line
from include.stages.labeling.answer_lines import LONGEST_LEAD, AnswerReader
from include.stages.labeling.backend_contract import Answer
from include.stages.labeling.label_studio.labeling_config import COMMENT
from include.stages.labeling.label_studio.studio_project import StudioProject
from include.stages.labeling.label_studio.studio_tasks import KEY


@dataclass(frozen=True)
class AnnotationReader:
    """Read the annotations of a project.

    Attributes
    ----------
    reader
        What an answer must be, wherever it comes from.
    project
        Names the control in which people choose.
    people
        E-mail address by user id: it stays the person's where a server is set up anew.
    latest
        Latest plausible time.
    """

    reader: AnswerReader
    project: StudioProject
    people: Mapping[int, str]
    latest: datetime

    def read(self, task: Mapping[str, Any], annotation: Mapping[str, Any]) -> Answer | Line:
        """Return the answer in an annotation, or the line that says why it is none."""
        author, owner = annotation.get("updated_by") or annotation.get("completed_by"), annotation.get("completed_by")
        lead = annotation.get("lead_time")
        record = {
            KEY: task["data"][KEY],
            "annotator": self._person(author),
            "label": None if annotation.get("was_cancelled") else self._label(annotation),
            "comment": self._comment(annotation),
            "lead_time_seconds": lead if isinstance(lead, int | float) and 0 <= lead <= LONGEST_LEAD else None,
            "created_at": annotation.get("updated_at"),
        }
        line = Line(annotation["id"], record, [], json_line(record))
        answer = self.reader.read(line, self.latest, self.source_of(task))
        if isinstance(answer, Line) or owner in (None, author):
            return answer
        return replace(answer, given_for=self._person(owner))

    def source_of(self, task: Mapping[str, Any]) -> str:
        """Return what the answers of a task name as their source: where people see it."""
        return f"{self.project.address}/data?task={task['id']}"

    def _person(self, user: Any) -> str | None:
        return None if user is None else self.people.get(user, f"user {user}")

    def _label(self, annotation: Mapping[str, Any]) -> Any:
        """Return what was chosen; what is no single choice as it is, so that it is refused with what it says."""
        chosen = [
            item.get("value", {}).get("choices")
            for item in self._items(annotation)
            if item.get("from_name") == self.project.label
        ]
        return chosen[0][0] if len(chosen) == 1 and isinstance(chosen[0], list) and len(chosen[0]) == 1 else chosen

    def _comment(self, annotation: Mapping[str, Any]) -> str | None:
        texts = [
            text
            for item in self._items(annotation)
            if item.get("from_name") == COMMENT
            for text in item.get("value", {}).get("text", [])
        ]
        return "\n".join(map(str, texts)) or None

    @staticmethod
    def _items(annotation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        result = annotation.get("result")
        items = result if isinstance(result, list) else []
        return [item for item in items if isinstance(item, dict) and isinstance(item.get("value", {}), dict)]
