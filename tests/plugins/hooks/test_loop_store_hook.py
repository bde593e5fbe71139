"""The store opens where its connection says, with the credentials that it or another connection names."""

import boto3
import pytest
from airflow.sdk.exceptions import AirflowNotFoundException
from feedback_loop.hooks.loop_store_hook import LoopStoreHook

from include.foundation.decisions import record
from include.foundation.errors import ConfigError
from include.foundation.store.person_keys import person_key
from tests.builders import KEY
from tests.decision_builders import make_gate_verdict

PASSWORD = KEY.decode()
ROLE = "arn:aws:iam::123456789012:role/loop"


@pytest.fixture
def bucket(aws):
    """A bucket for one test, as the connections of these tests describe where it is."""
    boto3.client("s3", **keys(aws)).create_bucket(Bucket="loops")
    return aws


def keys(aws):
    return {
        "endpoint_url": aws, "region_name": "us-east-1", "aws_access_key_id": "own", "aws_secret_access_key": "own-secret",
    }  # fmt: skip


class TestWhereItIs:
    def test_store_opens_where_the_connection_says(self, define, tmp_path):
        define("feedback_store", conn_type="generic", extra={"uri": str(tmp_path)})
        assert LoopStoreHook("newswire").get_conn().uri == f"{tmp_path}/newswire"

    def test_another_connection_can_be_named(self, define, tmp_path):
        define("elsewhere", conn_type="generic", extra={"uri": str(tmp_path)})
        assert LoopStoreHook("newswire", store_conn_id="elsewhere").get_conn().uri == f"{tmp_path}/newswire"

    @pytest.mark.parametrize("extra", [None, {}, {"uri": ""}], ids=["no-extra", "empty", "empty-uri"])
    def test_connection_without_a_uri_says_what_is_missing(self, define, extra):
        define("feedback_store", conn_type="generic", extra=extra)
        with pytest.raises(ConfigError, match="no 'uri' in its extra"):
            LoopStoreHook("newswire").get_conn()

    @pytest.mark.parametrize(("extra", "what"), [("{not json", "no JSON"), ("[1]", "is list")])
    def test_extra_that_is_no_object_is_named(self, define, extra, what):
        define("feedback_store", conn_type="generic", extra=extra)
        with pytest.raises(ConfigError, match=what):
            LoopStoreHook("newswire").get_conn()

    def test_connection_is_read_once(self, define, monkeypatch, tmp_path):
        define("feedback_store", conn_type="generic", password=PASSWORD, extra={"uri": str(tmp_path)})
        hook = LoopStoreHook("newswire")
        hook.get_conn()
        monkeypatch.delenv("AIRFLOW_CONN_FEEDBACK_STORE")
        assert hook.get_conn().uri == f"{tmp_path}/newswire"
        assert hook.pseudonym_key == KEY


class TestPseudonymKey:
    @pytest.mark.parametrize("password", [None, "", "too short", "a" * 16, "replace-with-a-random-key-of-pseudonyms"])
    def test_key_must_be_long_enough_and_is_not_shown(self, define, password):
        define("feedback_store", conn_type="generic", password=password)
        with pytest.raises(ConfigError, match="key of pseudonyms") as caught:
            _ = LoopStoreHook("newswire").pseudonym_key
        assert not password or password not in str(caught.value)


@pytest.mark.usefixtures("no_aws_environment")
class TestObjectStore:
    def test_storage_options_are_taken_as_they_are(self, define, bucket):
        options = {"AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
                   "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": bucket, "AWS_ALLOW_HTTP": "true"}  # fmt: skip
        define("feedback_store", conn_type="generic", extra={"uri": "s3://loops/a", "storage_options": options})
        store = LoopStoreHook("newswire").get_conn()
        assert store.options == options
        assert store.s3_client_options["aws_session_token"] == "t"

    def test_aws_connection_gives_credentials_and_storage_options_take_precedence(self, define, bucket):
        define("lake", conn_type="aws", login="own", password="own-secret",
               extra={"region_name": "eu-west-1", "endpoint_url": bucket})  # fmt: skip
        options = {"AWS_CONDITIONAL_PUT": "etag", "AWS_REGION": "us-east-1"}
        extra = {"uri": "s3://loops/b", "aws_conn_id": "lake", "storage_options": options}
        define("feedback_store", conn_type="generic", password=PASSWORD, extra=extra)
        store = LoopStoreHook("newswire").get_conn()
        assert store.options == {
            "AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own-secret", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": bucket, "AWS_ALLOW_HTTP": "true", "AWS_CONDITIONAL_PUT": "etag",
        }  # fmt: skip
        record(store, make_gate_verdict("c"))
        assert LoopStoreHook("newswire").test_connection()[0]

    def test_credentials_of_a_role_are_assumed_anew_each_time_the_store_is_opened(self, define, bucket):
        define("lake", conn_type="aws", login="own", password="own-secret",
               extra={"region_name": "us-east-1", "role_arn": ROLE, "endpoint_url": bucket,
                      "service_config": {"sts": {"endpoint_url": bucket}}})  # fmt: skip
        define("feedback_store", conn_type="generic", extra={"uri": "s3://loops/c", "aws_conn_id": "lake"})
        hook = LoopStoreHook("newswire")
        first, second = (hook.get_conn().options for _ in range(2))
        assert first["AWS_ACCESS_KEY_ID"] != "own"
        assert first["AWS_SESSION_TOKEN"] != second["AWS_SESSION_TOKEN"]

    def test_aws_connection_that_is_not_there_is_not_replaced_by_the_environments_credentials(self, define):
        define("feedback_store", conn_type="generic", extra={"uri": "s3://loops/d", "aws_conn_id": "lake"})
        with pytest.raises(AirflowNotFoundException, match="lake"):
            LoopStoreHook("newswire").get_conn()

    def test_no_credentials_anywhere_is_an_error_that_says_where_they_belong(self, define):
        define("lake", conn_type="aws")
        define("feedback_store", conn_type="generic", extra={"uri": "s3://loops/e", "aws_conn_id": "lake"})
        with pytest.raises(ConfigError, match="no AWS credentials"):
            LoopStoreHook("newswire").get_conn()


class TestTestConnection:
    def test_new_folder_can_be_opened(self, define, tmp_path):
        define("feedback_store", conn_type="generic", password=PASSWORD, extra={"uri": str(tmp_path / "new")})
        works, said = LoopStoreHook("newswire").test_connection()
        assert works, said
        assert "nothing is written there yet; the key of pseudonyms is set" in said
        assert not (tmp_path / "new").exists()

    def test_versions_that_are_there_are_counted(self, define, tmp_path):
        define("feedback_store", conn_type="generic", password=PASSWORD, extra={"uri": str(tmp_path)})
        record(LoopStoreHook("newswire").get_conn(), make_gate_verdict("c"))
        assert "1 versions of its decisions" in LoopStoreHook("newswire").test_connection()[1]

    def test_place_that_cannot_be_written_to_is_named(self, define, tmp_path):
        (tmp_path / "file").touch()
        define("feedback_store", conn_type="generic", password=PASSWORD, extra={"uri": str(tmp_path / "file")})
        works, said = LoopStoreHook("newswire").test_connection()
        assert not works
        assert str(tmp_path / "file") in said

    @pytest.mark.parametrize("password", [None, "short one", "a" * 16])
    def test_missing_key_of_pseudonyms_fails_it(self, define, tmp_path, password):
        define("feedback_store", conn_type="generic", password=password, extra={"uri": str(tmp_path)})
        works, said = LoopStoreHook("newswire").test_connection()
        assert not works
        assert "key of pseudonyms" in said

    def test_key_that_is_not_the_stores_fails_it(self, define, tmp_path):
        define("feedback_store", conn_type="generic", password=PASSWORD, extra={"uri": str(tmp_path)})
        person_key(LoopStoreHook("newswire").get_conn(), b"the key of the days before", "user")
        works, said = LoopStoreHook("newswire").test_connection()
        assert not works
        assert "first password" in said

    def test_connection_that_is_not_there_is_an_answer_too(self):
        works, said = LoopStoreHook("newswire", "nowhere").test_connection()
        assert not works
        assert "nowhere" in said

    @pytest.mark.usefixtures("no_aws_environment")
    def test_refused_credentials_show_no_secret(self, define, aws):
        options = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "very-secret-value", "AWS_REGION": "us-east-1",
                   "AWS_ENDPOINT_URL": aws, "AWS_ALLOW_HTTP": "true"}  # fmt: skip
        extra = {"uri": "s3://no-such-bucket/very-secret-value", "storage_options": options}
        define("feedback_store", conn_type="generic", password=PASSWORD, extra=extra)
        works, said = LoopStoreHook("newswire").test_connection()
        assert not works
        assert "NoSuchBucket" in said
        assert "very-secret-value" not in said
