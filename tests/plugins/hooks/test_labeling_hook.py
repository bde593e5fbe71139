"""The labeling backend is the one that the loop file names, at the address that the connection has."""

from unittest.mock import Mock

import pytest
from feedback_loop.hooks.aws_access import s3_options
from feedback_loop.hooks.labeling_hook import LabelingHook

from include.foundation.errors import ConfigError, LabelingError
from include.foundation.store.objects.s3_objects import S3Objects
from include.stages.labeling import backends
from include.stages.labeling.backend_contract import LabelingBackend
from include.stages.labeling.files_backend import FilesBackend
from include.stages.labeling.manifests.manifests_backend import ManifestsBackend

TOKEN = "token-of-the-platform"


@pytest.fixture
def platform(loop_file, monkeypatch):
    """A loop on Label Studio, and the backend that the loop opens there."""
    loop_file(labeling={"backend": "label_studio", "connection": "studio", "uri": None})
    made = Mock(spec=LabelingBackend)
    opened = Mock(spec=backends.backend_for, return_value=made)
    monkeypatch.setattr(backends, "backend_for", opened)
    made.opened = opened
    return made


def test_files_need_no_connection(loop_file):
    loop_file()
    assert isinstance(LabelingHook("wire").get_conn(), FilesBackend)


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"host": "studio", "port": 8080}, "http://studio:8080"),
        ({"host": "studio", "schema": "https"}, "https://studio"),
        ({"host": "https://studio", "port": 8443}, "https://studio:8443"),
    ],
    ids=["port", "schema", "whole-address"],
)
def test_platform_is_where_the_connection_of_the_loop_file_says(define, platform, fields, address):
    define("studio", conn_type="http", password=TOKEN, **fields)
    LabelingHook("wire").get_conn()
    opened_at = platform.opened.call_args.args[1]
    assert (opened_at.host, opened_at.token) == (address, TOKEN)
    assert TOKEN not in repr(opened_at)


@pytest.mark.usefixtures("no_aws_environment")
def test_manifests_on_s3_are_opened_with_the_aws_connection_of_the_loop_file(define, loop_file, aws):
    place = {"uri": "s3://vendor/wire", "connection": "vendor_aws", "backend": "manifests"}
    loop_file(labeling=place)
    keys = {"login": "key", "password": "secret", "extra": {"region_name": "us-east-1", "endpoint_url": aws}}
    define("vendor_aws", conn_type="aws", **keys)
    hook = LabelingHook("wire")
    assert isinstance(hook.get_conn(), ManifestsBackend)
    works, said = hook.test_connection()
    assert (works, said[:24]) == (False, "s3://vendor/wire/request"), said
    S3Objects(s3_options("vendor_aws")).client.create_bucket(Bucket="vendor")
    assert LabelingHook("wire").test_connection() == (True, "s3://vendor/wire answers")


def test_manifests_in_a_folder_need_no_connection(loop_file, tmp_path):
    loop_file(labeling={"backend": "manifests"})
    works, said = LabelingHook("wire").test_connection()
    assert works, said
    assert str(tmp_path / "labeling") in said


def test_argument_takes_precedence_over_the_loop_file(define, platform):
    define("another", conn_type="http", host="another")
    LabelingHook("wire", labeling_conn_id="another").get_conn()
    assert platform.opened.call_args.args[1].host == "http://another"


def test_platform_whose_connection_has_no_token_says_so(define, loop_file):
    loop_file(labeling={"backend": "label_studio", "uri": None})
    define("label_studio", conn_type="http", host="studio")
    with pytest.raises(ConfigError, match="its password is no API token"):
        LabelingHook("wire").get_conn()


class TestTestConnection:
    def test_folder_is_not_made_by_it(self, loop_file, tmp_path):
        loop_file()
        works, said = LabelingHook("wire").test_connection()
        assert works, said
        assert str(tmp_path / "labeling") in said
        assert not (tmp_path / "labeling").exists()

    def test_folder_that_cannot_be_written_to_fails_it(self, loop_file, tmp_path):
        (tmp_path / "file").touch()
        loop_file(labeling={"uri": str(tmp_path / "file" / "labeling")})
        works, said = LabelingHook("wire").test_connection()
        assert not works
        assert str(tmp_path / "file") in said

    def test_platform_is_asked(self, define, platform):
        define("studio", conn_type="http", host="studio", password=TOKEN)
        assert LabelingHook("wire").test_connection() == (True, "http://studio answers")
        platform.existing.assert_called_once_with([])

    def test_what_the_platform_refuses_is_told_without_the_token(self, define, platform):
        define("studio", conn_type="http", host="studio", password=TOKEN)
        platform.existing.side_effect = LabelingError(f"403: the token {TOKEN} is not valid")
        works, said = LabelingHook("wire").test_connection()
        assert (works, said) == (False, "403: the token *** is not valid")


class TestWebhook:
    SECRET = "Zr8-wq1_Lx0PhT5y"

    @pytest.fixture
    def opened_with(self, define, platform):
        def opened(**extra):
            define("studio", conn_type="http", host="studio", password=TOKEN, extra=extra)
            LabelingHook("wire").get_conn()
            return platform.opened.call_args.args[1]

        return opened

    @pytest.mark.parametrize("base", ["https://air.example.org/flow", "https://air.example.org/flow/"])
    def test_leads_to_the_address_that_takes_the_loops_hints(self, opened_with, base):
        webhook = opened_with(webhook_url=base, webhook_secret=self.SECRET).webhook
        assert (webhook.url, webhook.secret) == ("https://air.example.org/flow/feedback-loop-hints/wire", self.SECRET)

    def test_is_left_as_it_is_where_the_connection_has_no_address_of_airflow(self, opened_with):
        assert opened_with(webhook_secret=self.SECRET).webhook is None
        assert opened_with().webhook is None

    @pytest.mark.parametrize(
        ("extra", "problem"),
        [
            ({"webhook_url": "https://air.example.org"}, "needs a webhook_secret beside it"),
            ({"webhook_url": "air.example.org", "webhook_secret": SECRET}, "such as https://airflow.example.org"),
            ({"webhook_secret": "short"}, "has 5 bytes"),
            ({"webhook_secret": "Zr8-wq1_Lx0PhT5y\u00f6"}, "no header can hold"),
            ({"webhook_secret": "Zr8-wq1_\nLx0PhT5y"}, "no header can hold"),
            ({"webhook_secret": 7}, "expected a text"),
        ],
    )
    def test_what_cannot_be_one_is_told_without_the_secret(self, define, platform, extra, problem):
        define("studio", conn_type="http", host="studio", password=TOKEN, extra=extra)
        works, said = LabelingHook("wire").test_connection()
        assert not works
        assert problem in said
        assert "Zr8" not in said
