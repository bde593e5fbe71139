"""What all hooks promise: Airflow's attributes and arguments, and a test of the connection that shows no secret."""

import inspect

import pytest
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.log_source_hook import LogSourceHook
from feedback_loop.hooks.loop_hook import LoopHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook

from include.foundation.errors import StoreError

HOOKS = [LabelingHook, LogSourceHook, LoopStoreHook, ModelRegistryHook]


class RefusingHook(LoopHook):
    conn_name_attr, default_conn_name, conn_type, hook_name = "test_conn_id", "refusing", "generic", "Refusing"

    def check(self):
        raise StoreError(f"refused: {self.connection.password} {self.connection.extra} p%40ss%20word")


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_has_what_airflow_asks_of_one(hook):
    assert hook.conn_type in {"generic", "http", "aws"}  # types that Airflow has: the decision is in docs/adr/0005
    assert hook.hook_name.startswith("Feedback Loop ")
    assert hook.default_conn_name
    assert hook.conn_name_attr.endswith("_conn_id")
    assert hook.conn_name_attr in inspect.signature(hook).parameters
    assert not inspect.isabstract(hook)


def test_secrets_are_hidden_wherever_they_stand(define):
    extra = {"uri": "s3://shown", "storage_options": {"AWS_SECRET_ACCESS_KEY": "of-aws", "AWS_REGION": "shown-too"},
             "aws_session_token": "of-session", "secrets": {"any": "below"}, "port": 7}  # fmt: skip
    define("refusing", conn_type="generic", password="p@ss word", extra=extra)
    works, said = RefusingHook("refusing").test_connection()
    assert not works
    assert said.startswith("refused: *** ")
    assert not any(secret in said for secret in ("p@ss", "p%40ss", "of-aws", "of-session", "below"))
    assert "s3://shown" in said
    assert "shown-too" in said


def test_error_without_a_text_is_told_by_its_name(define, monkeypatch):
    monkeypatch.setattr(RefusingHook, "check", lambda _: (_ for _ in ()).throw(TimeoutError()))
    assert RefusingHook("refusing").test_connection() == (False, "TimeoutError")
