"""What goes wrong when the webhook is set up is told, and its secret is not."""

from unittest.mock import Mock

import pytest

from include.foundation.errors import ConfigError, FeedbackLoopError, LabelingError
from include.stages.labeling.backend_contract import HINT_HEADER, BackendConnection, Webhook
from include.stages.labeling.label_studio.studio_api import StudioClient, UnclearError
from include.stages.labeling.label_studio.studio_webhook import register_webhook

SECRET = "Zr8-wq1_Lx0PhT5y"
WEBHOOK = Webhook("https://airflow.example.org/feedback-loop-hints/wire", SECRET)


def test_secret_is_in_no_text_of_a_connection():
    assert SECRET not in repr(BackendConnection("http://studio", "token", WEBHOOK))


@pytest.mark.parametrize(
    ("error", "told"), [(LabelingError, ConfigError), (ConfigError, ConfigError), (UnclearError, UnclearError)]
)
def test_refusal_is_told_without_the_secret(error, told):
    client = Mock(spec=StudioClient)
    client.get.return_value = []
    client.post.side_effect = error(f"400: {{'headers': {{'{HINT_HEADER}': '{SECRET}'}}}} is not valid")
    with pytest.raises(FeedbackLoopError, match=r"could not be set up in Label Studio.*: 400: ") as refused:
        register_webhook(client, 1, WEBHOOK)
    assert type(refused.value) is told
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__


def test_webhooks_of_others_and_of_other_projects_are_left_alone():
    client = Mock(spec=StudioClient)
    other = {"id": 1, "project": 1, "url": "https://elsewhere.example.org", "headers": {}, "actions": []}
    client.get.return_value = [other, other | {"id": 2, "project": 2, "url": WEBHOOK.url}]
    register_webhook(client, 1, WEBHOOK)
    assert [call[0] for call in client.method_calls] == ["get", "post"]
