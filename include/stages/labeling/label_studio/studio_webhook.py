"""The webhook by which Label Studio hints that somebody has answered; what they answered is read, never told."""

from collections.abc import Mapping
from typing import Any

from include.foundation.errors import ConfigError, FeedbackLoopError
from include.stages.labeling.backend_contract import HINT_HEADER, Webhook
from include.stages.labeling.label_studio.studio_api import StudioClient, UnclearError

ACTIONS = ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"]
WEBHOOKS = "/api/webhooks/"


def register_webhook(client: StudioClient, project_id: int, webhook: Webhook) -> None:
    """Let a project have one webhook of ours, as it is wanted: made, or an earlier one brought to it.

    One that a person has switched off stays off. Nothing is sent where nothing differs.

    Parameters
    ----------
    client
        Of the server.
    project_id
        Of the project.
    webhook
        Where hints go, and the secret that comes with them.

    Raises
    ------
    ConfigError
        If Label Studio refuses it; the message does not hold the secret.
    UnclearError
        If nobody knows whether it was done; doing it again finds it.
    """
    try:
        _register(client, project_id, webhook)
    except FeedbackLoopError as error:
        text = error.message.replace(webhook.secret, "***")
        kind = UnclearError if isinstance(error, UnclearError) else ConfigError
        raise kind(
            f"The webhook to {webhook.url} could not be set up in Label Studio, which takes full host names only, and "
            f"addresses of private networks only with SSRF_PROTECTION_ENABLED=false: {text}"
        ) from None


def _register(client: StudioClient, project_id: int, webhook: Webhook) -> None:
    wanted = {
        "url": webhook.url,
        "send_payload": False,  # what people write stays where it is
        "send_for_all_actions": False,
        "headers": {HINT_HEADER: webhook.secret},
        "actions": ACTIONS,
    }
    present = [each for each in client.get(WEBHOOKS, project=project_id) if _is_ours(each, project_id, webhook.url)]
    present.sort(key=lambda each: each["id"])
    if not present:
        client.post(WEBHOOKS, wanted | {"project": project_id})
    elif any(_sorted(present[0].get(name)) != _sorted(value) for name, value in wanted.items()):
        client.patch(f"{WEBHOOKS}{present[0]['id']}/", wanted)
    for doubled in present[1:]:  # two pushes met
        client.delete(f"{WEBHOOKS}{doubled['id']}/")


def _is_ours(each: Mapping[str, Any], project_id: int, url: str) -> bool:
    return each["project"] == project_id and (each["url"] == url or HINT_HEADER in each["headers"])


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
