"""A Label Studio of this clone's own, on the loopback interface only: ``python -m demo.label_studio_server [template]``.

It runs in an environment of its own, because its packages and the loop's exclude each other. `make label-studio` makes that
environment from its lock, and a data folder with all tables once, of which each server's own is a copy: making the tables
takes minutes. The demo, the tests and the benchmarks start theirs with `LabelStudioServer`.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from demo.loopback import demand_free
from demo.process_sessions import send_signal
from demo.secret_files import secret
from include.foundation.config.loading import ROOT
from include.foundation.digests import digest_of
from include.foundation.errors import ConfigError, FeedbackLoopError

FOLDER = ROOT / ".label-studio"
USER = "admin@localhost.localdomain"
STARTING_SECONDS = 240
MIGRATING_SECONDS = 900
STOPPING_SECONDS = 15
INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
SETTINGS = {
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "FEATURE_FLAGS_OFFLINE": "true",
    "DEBUG": "false",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
}


@dataclass
class LabelStudioServer:
    """A server with a data folder, secrets and a log in one home folder.

    Parameters
    ----------
    home
        Its folder, closed to other users.
    port
        Its port.
    folder
        Where its environment and the data folder to copy are.
    """

    home: Path = FOLDER
    port: int = 8085
    folder: Path = FOLDER
    _child: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Address of its pages and its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """Password of `USER`, generated once per home folder."""
        return secret(self.home, "password")

    @property
    def token(self) -> str:
        """The user's API token."""
        return digest_of(secret(self.home, "token"))[:40]

    @property
    def data(self) -> Path:
        """Folder of its database."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """File that it prints to."""
        return self.home / "server.log"

    @property
    def connection(self) -> dict[str, Any]:
        """The Airflow connection that leads to it. It contains the token, so it must not be logged."""
        return {"conn_type": "http", "host": "127.0.0.1", "port": self.port, "password": self.token}

    def start(self) -> None:
        """Start it and wait until it is healthy.

        Raises
        ------
        ConfigError
            If it is not installed, or if its port is taken; nothing was started then.
        FeedbackLoopError
            If it ends or is not healthy in time, with the end of its log; it was stopped then.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it without waiting.

        Raises
        ------
        ConfigError
            If it is not installed, or if its port is taken.
        """
        demand_free(self.port)  # it would silently take another one
        make_template(self.folder)
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        if not self.data.is_dir():
            unfinished = self.home / "data.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(self.folder / "template", unfinished, ignore=shutil.ignore_patterns(".env"))
            unfinished.rename(self.data)
        own = {
            "LABEL_STUDIO_USERNAME": USER,
            "LABEL_STUDIO_PASSWORD": self.password,
            "LABEL_STUDIO_USER_TOKEN": self.token,
        }
        command = ["start", "--no-browser", "--internal-host", "127.0.0.1", "-p", str(self.port)]
        self.log.touch(mode=0o600)
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                [_program(self.folder), *command, "--data-dir", str(self.data)], env=_environment() | own, cwd=self.home,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, umask=0o077,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until it is healthy.

        Raises
        ------
        FeedbackLoopError
            If it ends or is not healthy in time, with the end of its log; it was stopped then.
        """
        deadline = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < deadline:
            if self._child is None or self._child.poll() is not None:
                raise FeedbackLoopError(f"Label Studio ended while starting:\n{self._log_end()}")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=5).is_success:
                    return
            time.sleep(0.2)
        self.stop()
        raise FeedbackLoopError(f"Label Studio was not healthy within {STARTING_SECONDS} s:\n{self._log_end()}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, if this process has started it; with SIGKILL it dies at once."""
        if self._child is None:
            return
        send_signal(self._child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(STOPPING_SECONDS)
        send_signal(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child = None

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])


@contextlib.contextmanager
def serving(server: LabelStudioServer) -> Iterator[LabelStudioServer]:
    """Start a server, and stop it whatever happens in between."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def make_template(folder: Path = FOLDER) -> Path:
    """Make the data folder that servers copy, unless it is there: all tables, no user, no project; one that was half made anew.

    Raises
    ------
    ConfigError
        If Label Studio is not installed.
    FeedbackLoopError
        If it cannot make its tables.
    """
    program, template = _program(folder), folder / "template"
    if template.is_dir():
        return template
    print("Making Label Studio's tables, once; this takes a minute or two …", flush=True)
    unfinished = folder / "template.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    made = subprocess.run(
        [program, "version", "--data-dir", str(unfinished)], env=_environment(), capture_output=True, text=True,
        timeout=MIGRATING_SECONDS, check=False, umask=0o077,
    )  # fmt: skip
    if made.returncode:
        raise FeedbackLoopError(f"Label Studio could not make {template}:\n{(made.stdout + made.stderr)[-2000:]}")
    unfinished.rename(template)
    return template


def main(arguments: list[str] | None = None) -> int:
    """Run the server until it is interrupted, or make the folder that servers copy; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.label_studio_server", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "template"], default="run")
    parser.add_argument("--port", type=int, default=8085)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = LabelStudioServer(port=options.port)
    try:
        if options.command == "template":
            make_template(server.folder)
            return 0
        with serving(server):
            print(f"Label Studio runs at {server.url}; user {USER}, password {server.password}; Ctrl-C ends it")
            print(f"Its API token is in the connection label_studio of `make up`; its log: {server.log}", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("Label Studio is stopped.")
    except FeedbackLoopError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _program(folder: Path) -> str:
    program = folder / "venv" / "bin" / "label-studio"
    if not program.is_file():
        raise ConfigError(
            f"{program} does not exist: `make label-studio` installs Label Studio in an environment of its own"
        )
    return str(program)


def _environment() -> dict[str, str]:
    """Return the environment of its processes, which holds nothing of this process's that they do not need."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | SETTINGS


if __name__ == "__main__":
    sys.exit(main())
