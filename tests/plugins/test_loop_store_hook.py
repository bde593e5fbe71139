"""The store's connection: where it is, and the key of pseudonyms."""

from unittest.mock import Mock

import pytest
from airflow.sdk import Connection
from feedback_loop.hooks.loop_store_hook import LoopStoreHook

from include.foundation.errors import ConfigError


class TestHooks:
    def connection(self, monkeypatch, **fields):
        monkeypatch.setattr(
            LoopStoreHook, "connection", Mock(spec=Connection, **{"extra_dejson": {}, "password": None, **fields})
        )
        return LoopStoreHook("newswire")

    def test_store_without_a_uri_says_what_is_missing(self, monkeypatch):
        with pytest.raises(ConfigError, match="no 'uri' in its extra"):
            self.connection(monkeypatch).get_conn()

    def test_store_opens_where_the_connection_says(self, monkeypatch, tmp_path):
        assert (
            self.connection(monkeypatch, extra_dejson={"uri": str(tmp_path)}).get_conn().uri == f"{tmp_path}/newswire"
        )

    @pytest.mark.parametrize("password", [None, "", "short"])
    def test_key_of_pseudonyms_must_be_long_enough_and_is_not_shown(self, monkeypatch, password):
        with pytest.raises(ConfigError, match="key of pseudonyms") as caught:
            _ = self.connection(monkeypatch, password=password).pseudonym_key
        assert not password or password not in str(caught.value)
