"""The embedded Postgres starts for root and for others, keeps to itself, and survives being killed."""

import os
import signal
import socket
import subprocess
import time

import psycopg
import pytest

from demo.embedded_postgres import EmbeddedPostgres
from demo.process_sessions import command_line


@pytest.fixture
def postgres(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        home = tmp_path / "a home with spaces, deep below many other folders" / ("long" * 30)
        home.mkdir(parents=True)
        return EmbeddedPostgres(home, probe.getsockname()[1])


def start(postgres):
    postgres.prepare()
    server = subprocess.Popen(postgres.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not postgres.answers():
        assert server.poll() is None, server.returncode
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return server


def query(postgres, text):
    with psycopg.connect(postgres.url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else None


def end(server, number=signal.SIGINT):
    server.send_signal(number)
    assert server.wait(60) == (0 if number == signal.SIGINT else -number)


@pytest.fixture
def server(postgres):
    server = start(postgres)
    yield server
    server.kill()
    server.wait(60)


class TestServer:
    def test_data_survive_a_kill_and_a_clean_end(self, postgres, server):
        query(postgres, "CREATE TABLE kept AS SELECT 1 AS value")
        postgres.prepare()  # does nothing to a server that runs
        end(server, signal.SIGKILL)
        again = start(postgres)
        assert query(postgres, "SELECT value FROM kept") == [(1,)]
        end(again)
        assert not (postgres.folder / "postmaster.pid").exists()

    def test_only_the_password_opens_it_and_only_on_loopback(self, postgres, server):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(postgres.url.replace("+psycopg", "").replace(":", ":wrong", 2).replace(":wrong", ":", 1))
        assert query(postgres, "SHOW listen_addresses") == [("127.0.0.1",)]
        assert query(postgres, "SHOW unix_socket_directories") == [("",)]
        assert query(postgres, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [("scram-sha-256",)]

    def test_folders_stay_closed_to_others(self, postgres, server, tmp_path):
        assert postgres.folder.stat().st_mode & 0o077 == 0
        assert tmp_path.stat().st_mode & 0o077 == 0  # pytest makes it 0700; nothing opened it for the server

    def test_password_is_in_no_command_line(self, postgres, server):
        password = postgres.url.split(":")[2].split("@")[0]
        assert len(password) > 30
        assert password not in " ".join(postgres.command())
        assert str(postgres.folder) in command_line(server.pid)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root must become someone else")
    def test_root_runs_it_as_nobody(self, postgres, server):
        assert query(postgres, "SELECT pg_read_file('/proc/self/status') ~ 'CapEff:\\s+0000000000000002'") == [(True,)]
        status = query(postgres, "SELECT pg_read_file('/proc/self/status')")[0][0]
        assert "Uid:\t0" not in status


def test_process_id_that_now_belongs_to_another_is_forgotten(postgres):
    """After a restart of the machine, the id in a killed server's file may be any process's; Postgres would refuse to start."""
    postgres.prepare()
    file = postgres.folder / "postmaster.pid"
    file.write_text(f"{os.getppid()}\n{postgres.folder}\n")
    postgres.prepare()
    assert not file.exists()


def test_folder_that_was_half_made_is_made_anew(postgres):
    half = postgres.home / "postgres.unfinished"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    postgres.prepare()
    assert (postgres.folder / "global" / "pg_control").is_file()
    assert not half.exists()
