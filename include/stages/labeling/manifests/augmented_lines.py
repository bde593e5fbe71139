"""What comes back: lines of augmented manifests and the responses of workers, each read as a line of an answer file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from include.foundation.errors import short
from include.foundation.lines.line_files import Line
from include.foundation.lines.values import Problem, json_line, json_or_text, text_of
from include.stages.labeling.manifests.manifest_lines import METADATA, PRELABEL

VENDOR = "vendor"  # the annotator of labels that a vendor has made of its workers' answers
RESPONSES = "worker-response-ref"


def consolidated_answer(line: Line, categories: Sequence[str]) -> Line | None:
    """Return a line of an augmented manifest as one of an answer file; None if its request has no label yet.

    Parameters
    ----------
    line
        The line.
    categories
        Label categories of the job, in order, for a label that gives only the number of one.
    """
    if line.record is None or line.problems:
        return line
    record, problems, labels = line.record, list[Problem](), _labels(line.record)
    if not labels and (record.get("request_id") or record.get("trace_id")):
        return None
    if len(labels) > 1:
        given = ", ".join(labels)
        problems.append(Problem("several_labels", f"got the labels {given}, expected that of one labeling job"))
    name, metadata = next(iter(labels.items()), ("label", {}))
    answer = {
        "request_id": record.get("request_id"),
        "trace_id": record.get("trace_id"),
        "annotator": VENDOR,
        "label": _human_label(name, record.get(name), metadata, categories, problems),
        "created_at": metadata.get("creation-date", metadata.get("creation_date")),
        "comment": f"consolidated with confidence {text_of(metadata['confidence'])}"
        if "confidence" in metadata
        else None,
    }
    return Line(line.number, answer, problems, json_line(answer))


def worker_answers(record: Mapping[str, Any], request_id: str) -> Iterator[Line]:
    """Yield each answer of a file of worker responses as a line of an answer file.

    Parameters
    ----------
    record
        Content of the file.
    request_id
        What the workers were asked.
    """
    answers = record.get("answers")
    for number, given in enumerate(answers if isinstance(answers, list) else [answers], start=1):
        if not isinstance(given, Mapping):
            reason = f"answers: got {type(given).__name__}, expected an object for each worker"
            yield Line.of_file([Problem("wrong_type", reason)])
            continue
        content, problems = given.get("answerContent"), list[Problem]()
        content = json_or_text(content) if isinstance(content, str) else content
        answer = {
            "request_id": request_id,
            "annotator": given.get("workerId"),
            "label": _chosen(content, problems),
            "created_at": given.get("submissionTime"),
            "lead_time_seconds": given.get("timeSpentInSeconds"),
            "comment": content.get("comment") if isinstance(content, Mapping) else None,
        }
        yield Line(number, answer, problems, json_line(answer))


def _labels(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the metadata of each label: not of the pre-label, nor of what only refers to responses."""
    named = {name.removesuffix(METADATA): value for name, value in record.items() if name.endswith(METADATA)}
    of_labels = {name: value if isinstance(value, Mapping) else {} for name, value in named.items() if name != PRELABEL}
    return {name: metadata for name, metadata in of_labels.items() if RESPONSES not in metadata}


def _human_label(
    name: str, value: Any, metadata: Mapping[str, Any], categories: Sequence[str], problems: list[Problem]
) -> Any:
    if str(metadata.get("human-annotated")).lower() != "yes":
        problems.append(
            Problem("no_person", f"{name}{METADATA}.human-annotated: it does not say that a person answered")
        )
        return None
    return _class_name(name, value, metadata, categories, problems)


def _class_name(
    name: str, value: Any, metadata: Mapping[str, Any], categories: Sequence[str], problems: list[Problem]
) -> Any:
    """Return the class of a label: by its name, by the one entry of the class map, or by its number."""
    if (given := metadata.get("class-name")) is not None:
        return given
    named = metadata.get("class-map")
    if isinstance(named, Mapping):
        if len(named) == 1:
            return next(iter(named.values()))
        problems.append(
            Problem("several_labels", f"{name}{METADATA}.class-map: got {len(named)} classes, expected one")
        )
        return None
    number = text_of(value) or ""
    if number.isascii() and number.isdigit() and len(number) < 9 and int(number) < len(categories):
        return categories[int(number)]
    expected = f"expected {name}{METADATA}.class-name, or the number of one of {len(categories)} label categories"
    problems.append(Problem("unknown_label", f"{name}: got {short(value)}, {expected}"))
    return None


def _chosen(content: Any, problems: list[Problem]) -> Any:
    """Return what a worker chose, wherever the template of the task puts it; None where they chose to decline."""
    fields = content if isinstance(content, Mapping) else {}
    if "label" in fields and not isinstance(fields["label"], Mapping):
        return fields["label"]
    choices = [each for field in fields.values() if isinstance(field, Mapping) for each in _choices(field)]
    if len(choices) == 1:
        return choices[0]
    problems.append(Problem("unknown_label", f"answerContent: got {len(choices)} choices, expected one label"))
    return None


def _choices(field: Mapping[str, Any]) -> list[Any]:
    """Return what was chosen in one element of a form: a classifier's label or labels, or the buttons that are on."""
    if "label" in field:
        return [field["label"]]
    if isinstance(labels := field.get("labels"), list):
        return labels
    return [name for name, is_on in field.items() if is_on is True]
