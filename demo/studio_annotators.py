"""The simulated annotators in Label Studio: they sign up, take the next task, and answer it, as people do."""

from collections.abc import Iterator
from typing import Any

import httpx

from demo.annotators import ERROR_RATES, REVIEWERS, Annotators, uniform
from demo.label_studio_server import LabelStudioServer
from demo.studio_loop import address_of
from include.foundation.config.loop_file import Loop
from include.foundation.errors import FeedbackLoopError

RATIONALE = "The first sentence says what the story is about."
SKIPPED, EDITED = 0.02, 0.04  # shares of the tasks
TURN = 5  # tasks of a person, then it is the next one's turn
TIMEOUT_SECONDS = 180


class StudioAnnotators(Annotators):
    """Answer the tasks of the loop's project through Label Studio's public API, each person with a login of their own.

    Parameters
    ----------
    loop
        Names the project, and the classes.
    truth
        The true class of each trace id.
    server
        Where the project is.
    """

    def __init__(self, loop: Loop, truth: dict[str, str], server: LabelStudioServer) -> None:
        super().__init__(loop, truth)
        self.server = server
        self._people: dict[str, httpx.Client] = {}

    def answer_open(self) -> int:
        """Let every annotator answer the next few tasks, and return how many answers were given."""
        if not self._people:
            self._people = {name: self._signed_up(name) for name in ERROR_RATES | REVIEWERS}
        projects = {project["title"]: project["id"] for project in self._projects(next(iter(self._people.values())))}
        first = projects.pop(self.loop.tier_project(1), None)
        places = [(first, name) for name in ERROR_RATES if first is not None]
        places += [(project, name) for project in projects.values() for name in REVIEWERS]
        return sum(self._turn(name, project) for project, name in places)

    def close(self) -> None:
        """Close the connections."""
        for client in self._people.values():
            client.close()

    def _projects(self, client: httpx.Client) -> Iterator[dict[str, Any]]:
        """Yield the project of each tier."""
        titles = set(self.loop.tier_projects)
        for project in _checked(client.get("/api/projects/", params={"page_size": 100}))["results"]:
            if project["title"] in titles:
                yield project

    def _turn(self, name: str, project: int) -> int:
        client, answered = self._people[name], 0
        while answered < TURN:
            task = client.get(f"/api/projects/{project}/next")
            if task.status_code == httpx.codes.NOT_FOUND:  # nothing is left for this person
                break
            self._answer_task(client, name, _checked(task))
            answered += 1
        return answered

    def _answer_task(self, client: httpx.Client, name: str, task: dict[str, Any]) -> None:
        """Answer a task; now and then skip it, or choose wrong at first and correct it."""
        request_id, trace_id = task["data"]["request_id"], task["data"]["trace_id"]
        label = self.says(name, request_id, trace_id)
        lead = round(2 + 20 * uniform("time", name, request_id), 1)
        place = f"/api/tasks/{task['id']}/annotations/"
        if uniform("skips", name, request_id) < SKIPPED:
            _checked(client.post(place, json={"result": [], "was_cancelled": True, "lead_time": lead}))
            return
        edits = uniform("edits", name, request_id) < EDITED
        first = next(other for other in self.loop.task.classes if other != label) if edits else label
        result = self._result(task, first, RATIONALE if name in REVIEWERS else None)
        given = _checked(client.post(place, json={"result": result, "lead_time": lead}))
        if edits:
            _checked(client.patch(f"/api/annotations/{given['id']}/", json={"result": self._result(task, label)}))

    def _result(self, task: dict[str, Any], label: str, comment: str | None = None) -> list[dict[str, Any]]:
        shown = next((name for name, item in self.loop.inputs.items() if item.type == "text"), "row")
        result = [{"from_name": "label", "to_name": shown, "type": "choices", "value": {"choices": [label]}}]
        if comment is not None:
            said = {"from_name": "comment", "to_name": shown, "type": "textarea", "value": {"text": [comment]}}
            result.append(said)
        return result

    def _signed_up(self, name: str) -> httpx.Client:
        """Sign a person up with the invitation link, and return a client with their token."""
        server = self.server
        admin = {"Authorization": f"Token {server.token}"}
        invitation = _checked(httpx.get(f"{server.url}/api/invite", headers=admin, timeout=TIMEOUT_SECONDS))[
            "invite_url"
        ]
        with httpx.Client(base_url=server.url, timeout=TIMEOUT_SECONDS) as browser:
            page = invitation.removeprefix(server.url)
            browser.get(page)
            form = {"email": address_of(name), "password": server.password}
            answer = browser.post(page, data={**form, "csrfmiddlewaretoken": browser.cookies["csrftoken"]})
            if not answer.is_redirect:
                raise FeedbackLoopError(f"Label Studio did not sign {name} up: {answer.status_code}")
            token = _checked(browser.get("/api/current-user/token"))["token"]
        return httpx.Client(base_url=server.url, headers={"Authorization": f"Token {token}"}, timeout=TIMEOUT_SECONDS)


def _checked(response: httpx.Response) -> Any:
    if response.is_error:
        raise FeedbackLoopError(f"Label Studio answered {response.status_code} to a person: {response.text[:300]}")
    return response.json()
