"""The ``label_studio`` backend: each request one task, pulled by what has changed since."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.errors import ConfigError, LabelingError, short
from include.foundation.taxonomy import Taxonomy
from include.stages.labeling.answer_lines import RULES, AnswerReader
from include.stages.labeling.answers_read import Mark, Watermark
from include.stages.labeling.backend_contract import Answer, Answers, BackendConnection, LabelRequest, WholeTask
from include.stages.labeling.label_studio.studio_answers import AnnotationReader
from include.stages.labeling.label_studio.studio_api import StudioClient, UnclearError
from include.stages.labeling.label_studio.studio_project import StudioProject, known_project, project_for
from include.stages.labeling.label_studio.studio_tasks import BATCH, KEY, tasks_of
from include.stages.labeling.label_studio.studio_views import of_batch, query_of, task_filter
from include.stages.labeling.label_studio.studio_webhook import register_webhook

CHUNK = 300  # tasks of one import, and keys of one look-up: a longer address is refused
PAGE = 500  # tasks of one page
ATTEMPTS = 3  # at an import whose outcome is not known
OVERLAP = timedelta(seconds=20)  # a change may become visible that much later than it says
READ = (
    "id,data,annotations,updated_at,result,completed_by,updated_by,was_cancelled,lead_time"  # also within annotations
)


class LabelStudioBackend:
    """Push tasks to a project of Label Studio, and read what people did with them.

    Parameters
    ----------
    loop
        Names the project and what it shows.
    connection
        Where the server is, and a token of a user who may use the project.
    """

    def __init__(self, loop: Loop, connection: BackendConnection) -> None:
        self.loop = loop
        self.client = StudioClient(connection)
        self.webhook, self.loop_page = connection.webhook, connection.loop_page
        self._known: dict[str, dict[str, int]] = defaultdict(
            dict
        )  # tasks that are known to be there, by batch and request

    def existing(self, requests: Sequence[LabelRequest]) -> dict[str, str]:
        """Return the task of each of these requests that the project has, by request id; of one that was doubled, the first.

        A batch of which the project has as many tasks as are known is not looked up. Without requests the server is asked who
        the token's user is.
        """
        if not requests:
            self.client.get("/api/current-user/whoami", "email")
            return {}
        project = known_project(self.loop, self.client)
        if project is None:
            return {}
        tasks: dict[str, int] = {}
        for batch_id in sorted({request.batch_id for request in requests}):
            known = self._known[batch_id]
            sample = list(known)[:: len(known) // CHUNK + 1]  # another push that met this one may have removed ours
            if self._total(project, batch_id) != len(known) or self._looked_up(project, sample).items() - known.items():
                known |= self._looked_up(project, [each.request_id for each in requests if each.batch_id == batch_id])
            tasks |= known
        return {
            request.request_id: str(tasks[request.request_id]) for request in requests if request.request_id in tasks
        }

    def push(self, requests: Sequence[LabelRequest]) -> None:
        """Import a task for each request, in chunks that are stored whole or not at all."""
        project = project_for(self.loop, self.client, self.loop_page)
        tasks = tasks_of(requests, self.loop, project)
        if self.webhook:
            register_webhook(self.client, project.project_id, self.webhook)
        for start in range(0, len(tasks), CHUNK):
            self._import(project, tasks[start : start + CHUNK])

    def answers(self, requests: Mapping[str, str], read: Mapping[str, Mark]) -> Answers:
        """Read every task that has changed since the last time, as a whole.

        Parameters
        ----------
        requests
            Trace ids by request id.
        read
            How far the project was read before.
        """
        project = known_project(self.loop, self.client)
        if project is None:
            return Answers([])
        names = sorted(Taxonomy.of(self.loop.task).meanings)  # answers may use former names
        rules, mark = digest_of(RULES, names, project.label), read.get(project.address)
        before = mark.changed_until if isinstance(mark, Watermark) and mark.reader == rules else None
        asked_at = self.client.server_time
        changed = {task["id"]: task for task in self._changed(project, before)}  # as it was read last
        latest = datetime.now(UTC) + timedelta(seconds=self.loop.logs.clock_skew_seconds)
        people = self._people() if any(task["annotations"] for task in changed.values()) else {}
        answers = Answers([])
        reader = AnnotationReader(AnswerReader(names, requests, {}), project, people, latest)
        strange = [task for task in changed.values() if task["data"].get(KEY) not in requests]
        if strange:
            answers.passed_over.append(
                f"{project.address}: {len(strange)} tasks that belong to no request of {self.loop.name}"
            )
        for task in changed.values():
            if task["data"].get(KEY) in requests:
                _add(answers, reader, task)
        if changed:
            until = asked_at or max(_moment(task["updated_at"]) for task in changed.values())
            answers.read.append(Watermark(source=project.address, reader=rules, changed_until=until - OVERLAP))
        return answers

    def _import(self, project: StudioProject, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Import tasks; where nobody knows whether it was done, look, and import what is missing.

        Raises
        ------
        UnclearError
            If nobody knows after several attempts either.
        """
        for attempt in range(ATTEMPTS):
            try:
                made = self.client.post(f"/api/projects/{project.project_id}/import", tasks, return_task_ids="true")
            except UnclearError:
                there = self._looked_up(project, [task["data"][KEY] for task in tasks])
                self._note(tasks, there)
                tasks = [task for task in tasks if task["data"][KEY] not in there]
                if not tasks:
                    return
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                self._note(tasks, _made_ids(made, tasks))
                return

    def _note(self, tasks: Sequence[Mapping[str, Any]], ids: Mapping[str, int]) -> None:
        for data in (task["data"] for task in tasks):
            if data[KEY] in ids:
                self._known[data[BATCH]][data[KEY]] = ids[data[KEY]]

    def _total(self, project: StudioProject, batch_id: str) -> int:
        """Return how many tasks of a batch the project has."""
        query = query_of([of_batch(batch_id)])
        return int(self._page(project, query, include="id", page_size=1)["total"])

    def _looked_up(self, project: StudioProject, keys: Sequence[str]) -> dict[str, int]:
        """Return the task of each of these requests that the project has; of several, those without answers are removed."""
        tasks: dict[str, list[int]] = defaultdict(list)
        for start in range(0, len(keys), CHUNK):
            chunk = list(keys[start : start + CHUNK])
            query, page, total = query_of([task_filter(f"data.{KEY}", "in_list", "String", chunk)], "tasks:id"), 1, 1
            while (page - 1) * PAGE < total:
                answer = self._page(project, query, include="id,data", page=page)
                total, page = answer["total"], page + 1
                for task in answer["tasks"]:
                    tasks[task["data"].get(KEY)].append(task["id"])
        if unasked := tasks.keys() - set(keys):
            raise LabelingError(
                f"{project.address}: asked for {len(keys)} tasks by {KEY}, got {len(unasked)} others, too"
            )
        return {key: ids[0] if len(ids) == 1 else self._only(sorted(ids)) for key, ids in tasks.items()}

    def _only(self, ids: Sequence[int]) -> int:
        """Return the task that stays of several about one request, and remove those that nobody has answered."""
        answered = [
            task_id for task_id in ids if self.client.get(f"/api/tasks/{task_id}/", "annotations")["annotations"]
        ]
        stay = answered or [ids[0]]
        for task_id in sorted(set(ids) - set(stay)):
            self.client.delete(f"/api/tasks/{task_id}/")
        return stay[0]

    def _changed(self, project: StudioProject, since: datetime | None) -> Iterator[dict[str, Any]]:
        """Yield the tasks that have changed since a moment, in the order of their changes.

        Each page begins where the one before it ended in time: a task that changes meanwhile moves to the end, which would push
        another one over the edge of a numbered page.
        """
        page = 1
        while True:
            items = (
                [] if since is None else [task_filter("updated_at", "greater_or_equal", "Datetime", _written(since))]
            )
            answer = self._page(project, query_of(items, "tasks:updated_at"), fields="all", include=READ, page=page)
            for task in answer["tasks"]:
                yield task | {"data": {KEY: task["data"].get(KEY)}}  # inputs may be long
            if page * PAGE >= answer["total"]:
                return
            last = _moment(answer["tasks"][-1]["updated_at"])
            page, since = (page + 1, since) if last == since else (1, last)

    def _page(self, project: StudioProject, query: str, **params: Any) -> dict[str, Any]:
        params = {"page_size": PAGE, "resolve_uri": "false", "project": project.project_id, "query": query, **params}
        return dict(self.client.get("/api/tasks", "tasks", "total", **params))

    def _people(self) -> dict[int, str]:
        return {user["id"]: (user["email"] or f"user {user['id']}").lower() for user in self.client.get("/api/users/")}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def _made_ids(made: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the new tasks by request id; their ids come in the order of the tasks."""
    ids = made.get("task_ids")
    if not isinstance(ids, list) or len(ids) != len(tasks):
        raise ConfigError(
            f"Label Studio answered an import of {len(tasks)} tasks with {short(dict(made), 200)}, expected as many task_ids: "
            "this version works with the Community edition, which imports at once"
        )
    return dict(zip((task["data"][KEY] for task in tasks), ids, strict=True))


def _add(answers: Answers, reader: AnnotationReader, task: Mapping[str, Any]) -> None:
    """Add what is said in a task."""
    source = reader.source_of(task)
    for annotation in task["annotations"]:
        answer = reader.read(task, annotation)
        if isinstance(answer, Answer):
            answers.rows.append(answer)
        else:
            answers.refused.append((source, answer))
    answers.whole.append(WholeTask(source, task["data"][KEY], _moment(task["updated_at"])))
