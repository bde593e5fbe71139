"""An event is announced once, and again only if it could not be sent."""

from unittest.mock import Mock

import pytest

from include.foundation.decisions.announcements import announce_once
from tests.builders import make_store


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path)


def sender(result=True):
    return Mock(spec=lambda: True, return_value=result)


def test_event_is_sent_once_for_its_subject(store):
    send = sender()
    for _ in range(2):
        announce_once(store, "rollback", "2", send)
    assert send.call_count == 1
    announce_once(store, "rollback", "3", send)
    announce_once(store, "drift_alarm", "2", send)
    assert send.call_count == 3


def test_event_that_could_not_be_sent_is_tried_again(store):
    announce_once(store, "rollback", "2", sender(False))
    send = sender()
    announce_once(store, "rollback", "2", send)
    assert send.call_count == 1


def test_task_killed_while_it_sends_announces_again(store):
    send = Mock(spec=lambda: True, side_effect=[KeyboardInterrupt, True])
    with pytest.raises(KeyboardInterrupt):
        announce_once(store, "rollback", "2", send)
    announce_once(store, "rollback", "2", send)
    assert send.call_count == 2
