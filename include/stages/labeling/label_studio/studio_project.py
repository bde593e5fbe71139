"""The project in Label Studio that holds a loop's tasks: made from the loop file, or adopted by its title."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, LabelingError
from include.stages.labeling.instructions import instructions_page
from include.stages.labeling.label_studio.labeling_config import (
    COMMENT,
    LABEL,
    config_for,
    is_ours,
    marked,
)
from include.stages.labeling.label_studio.studio_api import StudioClient, UnclearError

PAGE = 100
PARTS = ("id", "label_config", "parsed_label_config")
PRELABEL = "live model"  # Label Studio shows the predictions of one version only; which version it was, the task says


@dataclass(frozen=True)
class StudioProject:
    """A project as its own parsed config describes it.

    Attributes
    ----------
    project_id, address
        Of the project; the address is that of the API's host.
    label, to_name
        The control in which people choose a class, and the object that it speaks of.
    labels
        What can be chosen there.
    fields
        Fields that a task must have.
    has_comments
        Whether there is a control for comments.
    """

    project_id: int
    address: str
    label: str
    to_name: str
    labels: frozenset[str]
    fields: frozenset[str]
    has_comments: bool


def title_of(loop: Loop) -> str:
    """Return the title of the loop's project."""
    return loop.labeling.project or loop.name


def known_project(loop: Loop, client: StudioClient) -> StudioProject | None:
    """Return the loop's project if there is one; nothing is made or changed.

    Raises
    ------
    ConfigError
        If several projects have its title, or if it cannot hold the loop's classes.
    """
    project_id = _id_of(loop, client)
    return None if project_id is None else _parsed(loop, client, client.get(f"/api/projects/{project_id}/", *PARTS))


def project_for(loop: Loop, client: StudioClient, loop_page: str | None = None) -> StudioProject:
    """Return the loop's project, made if there is none, and brought to what the loop file says unless a person has changed it.

    Parameters
    ----------
    loop, client
        The loop, and its Label Studio.
    loop_page
        Where browsers find the loop's page, which the description of a project that is made now names; None without it.

    Raises
    ------
    ConfigError
        If several projects have its title, if Label Studio does not take its config, or if a project that people have made or
        changed cannot hold the loop's classes.
    """
    wanted = _wanted(loop)
    project_id = _id_of(loop, client)
    if project_id is None:
        return _parsed(loop, client, _made(loop, client, wanted | _described(loop, loop_page)))
    present = client.get(f"/api/projects/{project_id}/", *PARTS)
    if is_ours(present["label_config"]) and present["label_config"] != wanted["label_config"]:
        present = _taken(lambda: client.patch(f"/api/projects/{project_id}/", wanted))
    return _parsed(loop, client, present)


def _wanted(loop: Loop) -> dict[str, Any]:
    settings = {
        "expert_instruction": instructions_page(loop),
        "show_instruction": bool(instructions_page(loop)),
        "maximum_annotations": loop.labeling.overlap,
        "show_collab_predictions": True,
        "show_skip_button": True,
        "enable_empty_annotation": False,
    }
    return settings | {"label_config": marked(config_for(loop), settings)}


def _described(loop: Loop, loop_page: str | None) -> dict[str, Any]:
    """Return what people read of a project on the list of projects: what the loop is, and where its page is."""
    return {"description": f"{loop.description} {loop_page}" if loop_page else loop.description}


def _made(loop: Loop, client: StudioClient, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Make the project; of two that were made at once the first stays."""
    body = {**wanted, "title": title_of(loop), "model_version": PRELABEL}
    own = None
    try:
        own = _taken(lambda: client.post("/api/projects/", body))["id"]
    except UnclearError:
        if not _ids_of(loop, client):
            raise
    first = min(_ids_of(loop, client))
    if own is not None and own != first:
        client.delete(f"/api/projects/{own}/")
    return dict(client.get(f"/api/projects/{first}/", *PARTS))


def _taken(call: Any) -> dict[str, Any]:
    try:
        return dict(call())
    except UnclearError:
        raise
    except LabelingError as error:  # the config is the loop file's: trying again cannot help
        raise ConfigError(
            f"Label Studio does not take the project that the loop file describes: {error.message}"
        ) from error


def _id_of(loop: Loop, client: StudioClient) -> int | None:
    ids = _ids_of(loop, client)
    if len(ids) > 1:
        raise ConfigError(
            f"{client.host} has {len(ids)} projects titled {title_of(loop)!r}: {', '.join(map(str, sorted(ids)))}; rename all "
            "but one, or name another in labeling.project"
        )
    return ids[0] if ids else None


def _ids_of(loop: Loop, client: StudioClient) -> list[int]:
    ids: list[int] = []
    page, title = 1, title_of(loop)
    while True:
        answer = client.get("/api/projects/", "results", title=title, include="id,title", page=page, page_size=PAGE)
        ids += [project["id"] for project in answer["results"] if project["title"] == title]
        if not answer.get("next"):
            return ids
        page += 1


def _parsed(loop: Loop, client: StudioClient, project: Mapping[str, Any]) -> StudioProject:
    """Return a project as its parsed config describes it.

    Raises
    ------
    ConfigError
        If there is no control, or more than one, in which every class of the loop can be chosen.
    """
    controls = project["parsed_label_config"] or {}
    classes = set(loop.task.classes)
    choices = {name: set(each["labels"]) for name, each in controls.items() if each["type"].lower() == "choices"}
    fitting = [name for name, labels in choices.items() if classes <= labels]
    name = LABEL if LABEL in fitting else fitting[0] if len(fitting) == 1 else None
    if name is None:
        missing = [
            f"{each}: without {', '.join(sorted(classes - labels)) or 'nothing'}" for each, labels in choices.items()
        ]
        raise ConfigError(
            f"{client.host}/projects/{project['id']}: expected one control <Choices name={LABEL!r}> with every class of the "
            "loop; mend the project's labeling config, or rename the project so that the loop makes its own",
            missing or ["there is no control <Choices>"],
        )
    fields = {field for each in controls.values() for item in each["inputs"] if (field := _field(item["value"]))}
    return StudioProject(
        project_id=project["id"],
        address=f"{client.host}/projects/{project['id']}",
        label=name,
        to_name=controls[name]["to_name"][0],
        labels=frozenset(choices[name]),
        fields=frozenset(fields),
        has_comments=controls.get(COMMENT, {}).get("type", "").lower() == "textarea",
    )


def _field(value: str | None) -> str:
    """Return the field of a task that an object shows: ``text`` of ``text``, ``a`` of ``a.b`` and of ``a[0]``."""
    return (value or "").lstrip("$").split(".")[0].split("[")[0]
