"""``python -m gateway``: serve the champions of one or more loops; ``--help`` lists the settings."""

import contextlib
import os
import resource
import signal
import socket
import sys

import uvicorn
from pydantic import ValidationError
from pydantic_settings import CliApp

from gateway.application import application
from gateway.event_log import start_event_log
from gateway.settings import Settings
from gateway.shedding import SheddingProtocol
from include.foundation.config.loading import loop_named
from include.foundation.errors import ConfigError, FeedbackLoopError

IDLE_SECONDS = 75  # that a connection is kept: longer than the 60 s of usual proxies
DRAIN_SECONDS = 30
FILES = 10_240  # that may be open: a connection is one, and systems often allow 1,024 to who does not ask for more
LISTENERS = 128  # new connections that are taken in a turn of the event loop
MLFLOW = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # it is asked again anyway
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # the log of events is JSON lines
}
SWITCH_SECONDS = (
    0.001  # after which a thread that scores lets the one that answers go on; Python's own is 5 times as long
)


def main(arguments: list[str] | None = None) -> int:
    """Run the gateway until it is told to stop, and return the exit status."""
    try:
        settings = _settings(arguments)
        app = application(settings, [loop_named(name) for name in settings.loops])
    except FeedbackLoopError as error:
        print(error, file=sys.stderr)
        return 1
    start_event_log()
    os.environ.update(MLFLOW | {name: os.environ[name] for name in MLFLOW if name in os.environ})
    sys.setswitchinterval(SWITCH_SECONDS)
    allow_files()
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, loop="uvloop", http=SheddingProtocol, lifespan="on", log_config=None,
        access_log=False, server_header=False, ws="none", timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn ends with the signal that it was told to stop by
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(_listening(config))
    return 0


def allow_files() -> None:
    """Raise the limit of open files, as far as the system lets this process, to what many connections take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _listening(config: uvicorn.Config) -> list[socket.socket]:
    """Return a listening socket many times: of each, uvloop takes one connection in a turn, and turns are long under load."""
    listening = config.bind_socket()
    return [listening, *(listening.dup() for _ in range(LISTENERS - 1))]


def _settings(arguments: list[str] | None) -> Settings:
    try:
        return CliApp.run(Settings, cli_args=sys.argv[1:] if arguments is None else arguments)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise ConfigError("The gateway's settings are not valid", problems) from error


if __name__ == "__main__":
    sys.exit(main())
