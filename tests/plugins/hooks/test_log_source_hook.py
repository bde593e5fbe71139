"""A source's connection becomes what opens it, and nothing of it is shown."""

import sqlite3

import boto3
import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from feedback_loop.hooks.log_source_hook import LogSourceHook
from sqlalchemy import make_url

from include.foundation.config.data_sections import Source
from include.foundation.errors import ConfigError

SQL = {"format": "sql", "connection": "warehouse", "query": "SELECT 1 WHERE :start < :end"}
S3 = {"uri": "s3://traffic/mail", "connection": "traffic_bucket"}
POSTGRES = {"conn_type": "postgres", "host": "db", "port": 5432, "login": "u", "password": "p@ss", "schema": "logs"}
ROLE = "arn:aws:iam::123456789012:role/reader"


def hook_for(source, **arguments):
    return LogSourceHook(Source(**source), {"region_name": "store"}, **arguments)


class TestObjectStore:
    def test_without_a_connection_the_stores_credentials_are_used(self):
        assert hook_for({"uri": "s3://b/p"}).get_conn().s3_options == {"region_name": "store"}

    @pytest.mark.usefixtures("no_aws_environment")
    def test_connection_gives_key_token_region_and_endpoint(self, define):
        extra = {"endpoint_url": "http://127.0.0.1:9", "aws_session_token": "token", "region_name": "eu-west-1"}
        define("traffic_bucket", conn_type="aws", login="key", password="hushhush", extra=extra)
        opened = hook_for(S3).get_conn()
        assert opened.s3_options == {
            "aws_access_key_id": "key", "aws_secret_access_key": "hushhush", "aws_session_token": "token",
            "endpoint_url": "http://127.0.0.1:9", "region_name": "eu-west-1",
        }  # fmt: skip
        assert "hushhush" not in repr(opened)

    def test_profile_of_the_machine_is_used_where_the_connection_names_it(self, define, no_aws_environment):
        (no_aws_environment / "shared_credentials_file").write_text(
            "[reader]\naws_access_key_id = of-profile\naws_secret_access_key = s\n"
        )
        define("traffic_bucket", conn_type="aws", extra={"profile_name": "reader"})
        assert hook_for(S3).get_conn().s3_options["aws_access_key_id"] == "of-profile"

    @pytest.mark.usefixtures("no_aws_environment")
    def test_role_is_assumed_anew_each_time_the_source_is_opened(self, define, aws):
        extra = {"role_arn": ROLE, "region_name": "us-east-1", "service_config": {"sts": {"endpoint_url": aws}}}
        define("traffic_bucket", conn_type="aws", login="key", password="hushhush", extra=extra)
        hook = hook_for(S3)
        first, second = (hook.get_conn().s3_options for _ in range(2))
        assert first["aws_access_key_id"] != "key"
        assert first["aws_session_token"] != second["aws_session_token"]

    def test_connection_that_is_not_there_is_not_replaced_by_the_environments_credentials(self):
        with pytest.raises(AirflowNotFoundException, match="traffic_bucket"):
            hook_for(S3).get_conn()


class TestDatabase:
    @pytest.mark.parametrize(
        ("fields", "url"),
        [
            (POSTGRES, "postgresql+psycopg://u:p%40ss@db:5432/logs"),
            (POSTGRES | {"extra": {"sslmode": "require"}}, "postgresql+psycopg://u:p%40ss@db:5432/logs?sslmode=require"),
            ({"conn_type": "sqlite", "host": "/tmp/a.db"}, "sqlite:////tmp/a.db"),
            (POSTGRES | {"conn_type": "mysql"}, "mysql+pymysql://u:p%40ss@db:5432/logs"),
            (POSTGRES | {"conn_type": "mssql"}, "mssql+pymssql://u:p%40ss@db:5432/logs"),
            (POSTGRES | {"conn_type": "redshift"}, "postgresql+psycopg://u:p%40ss@db:5432/logs"),
            (POSTGRES | {"conn_type": "redshift", "extra": {"sslmode": "require", "cluster_identifier": "c"}},
             "postgresql+psycopg://u:p%40ss@db:5432/logs?sslmode=require"),
            (POSTGRES | {"conn_type": "oracle", "extra": {"drivername": "oracle+oracledb", "mode": "thin"}},
             "oracle+oracledb://u:p%40ss@db:5432/logs?mode=thin"),
            (POSTGRES | {"conn_type": "redshift", "extra": {"drivername": "redshift+redshift_connector"}},
             "redshift+redshift_connector://u:p%40ss@db:5432/logs"),
        ],
        ids=["postgres", "options", "sqlite", "mysql", "mssql", "redshift", "redshift-options", "driver", "driver-first"],
    )  # fmt: skip
    def test_connection_gives_the_url(self, define, fields, url):
        define("warehouse", **fields)
        opened = hook_for(SQL).get_conn()
        assert opened.database_url == url
        assert "p%40ss" not in repr(opened)

    def test_hook_of_an_installed_provider_makes_the_url(self, define, monkeypatch):
        class PostgresHook(DbApiHook):
            conn_name_attr = "postgres_conn_id"

            @property
            def sqlalchemy_url(self):
                return make_url("postgresql://u:p%40ss@db/made_by_the_provider?sslmode=verify-full")

        define(
            "warehouse", **POSTGRES, extra={"sslmode": "disable", "connect_timeout": 5, "cursor": "no option of libpq"}
        )
        monkeypatch.setattr(BaseHook, "get_hook", lambda conn_id: PostgresHook(postgres_conn_id=conn_id))
        made = "postgresql+psycopg://u:p%40ss@db/made_by_the_provider?connect_timeout=5&sslmode=verify-full"
        assert hook_for(SQL).get_conn().database_url == made

    def test_unknown_type_names_the_provider_to_install_and_the_extra(self, define):
        define("warehouse", conn_type="oracle", host="h")
        with pytest.raises(ConfigError, match=r"apache-airflow-providers-oracle.*drivername"):
            hook_for(SQL).get_conn()

    def test_type_of_something_else_than_a_database_is_refused(self, define):
        define("warehouse", conn_type="aws", login="k", password="s")
        with pytest.raises(ConfigError, match="'aws', expected a database's"):
            hook_for(SQL).get_conn()

    def test_provider_that_lacks_its_driver_says_which(self, define, monkeypatch):
        def refuse(conn_id):
            raise ModuleNotFoundError("No module named 'oracledb'")

        monkeypatch.setattr(BaseHook, "get_hook", refuse)
        define("warehouse", conn_type="oracle", host="h")
        with pytest.raises(ConfigError, match=r"oracledb.*drivername"):
            hook_for(SQL).get_conn()

    def test_argument_takes_precedence_over_the_loop_file(self, define):
        define("another", conn_type="sqlite", host="/tmp/b.db")
        assert hook_for(SQL, log_source_conn_id="another").get_conn().database_url == "sqlite:////tmp/b.db"


class TestTestConnection:
    def test_folder_is_listed(self, tmp_path):
        assert hook_for({"uri": str(tmp_path)}).test_connection() == (True, f"{tmp_path} can be listed")

    def test_folder_that_is_not_there_is_named(self, tmp_path):
        works, said = hook_for({"uri": str(tmp_path / "none")}).test_connection()
        assert not works
        assert str(tmp_path / "none") in said

    @pytest.mark.usefixtures("no_aws_environment")
    @pytest.mark.parametrize("bucket", ["traffic", "absent"])
    def test_bucket_is_listed_with_the_connections_credentials(self, define, aws, bucket):
        define("traffic_bucket", conn_type="aws", login="key", password="hushhush",
               extra={"endpoint_url": aws, "region_name": "us-east-1"})  # fmt: skip
        boto3.client("s3", **hook_for(S3).get_conn().s3_options).create_bucket(Bucket="traffic")
        works, said = hook_for(S3 | {"uri": f"s3://{bucket}/mail"}).test_connection()
        assert works == (bucket == "traffic"), said
        assert bucket in said or "NoSuchBucket" in said
        assert "hushhush" not in said

    def test_database_is_asked(self, define, tmp_path):
        sqlite3.connect(tmp_path / "a.db").close()
        define("warehouse", conn_type="sqlite", host=str(tmp_path / "a.db"))
        assert hook_for(SQL).test_connection() == (True, f"sqlite:///{tmp_path}/a.db answers")

    def test_database_that_does_not_answer_is_told_without_its_password(self, define):
        define("warehouse", **POSTGRES | {"host": "127.0.0.1", "port": 9, "password": "hushhush"})
        works, said = hook_for(SQL).test_connection()
        assert not works
        assert "127.0.0.1" in said
        assert "hushhush" not in said

    def test_driver_that_is_not_installed_is_named(self, define):
        define("warehouse", conn_type="oracle", extra={"drivername": "oracle+oracledb"})
        works, said = hook_for(SQL).test_connection()
        assert not works
        assert "oracledb" in said
