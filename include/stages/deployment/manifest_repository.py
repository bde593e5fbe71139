"""The folder, or git working copy, from which a GitOps tool learns which version each environment is to serve."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dulwich import porcelain
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.porcelain import Error as GitError
from dulwich.repo import Repo

from include.foundation.errors import DeploymentError, ManifestError
from include.foundation.store.objects.local_objects import LocalObjects

AUTHOR = b"Feedback Loop <feedback-loop@localhost>"
REMOTE = "origin"
ATTEMPTS = 5  # to push, where others push to the same branch
LOCK = ".feedback_loop.lock"
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


class ManifestRepository:
    """Manifests in a folder; where that is a git working copy, each change is a commit.

    Parameters
    ----------
    folder
        Holds a folder for each environment, with a file for each loop. It is there already. A working copy is the loops' own:
        with ``push``, commits and changes that are not on the remote branch are dropped.
    push
        Whether the branch follows the one of the same name at ``origin``, and is pushed there.

    Raises
    ------
    DeploymentError
        If there is no such folder, or ``push`` has no git working copy to push.
    """

    def __init__(self, folder: Path, *, push: bool = False) -> None:
        if not folder.is_dir():
            raise DeploymentError(
                f"deploy.gitops.repository: got {folder}, expected a folder that is there: clone the repository"
            )
        self._folder, self._push = folder, push
        if push and not self._is_working_copy:
            raise DeploymentError(f"deploy.gitops.push: {folder} is no git working copy, so nothing can be pushed")

    def read(self, environment: str, loop: str) -> str | None:
        """Return the manifest of a loop in an environment; None if there is none."""
        with contextlib.suppress(FileNotFoundError):
            return self._path(environment, loop).read_text(encoding="utf-8")
        return None

    def write(self, loop: str, manifests: Mapping[str, str], message: str) -> None:
        """Make files say what they should, in one commit; nothing is committed that they say already.

        Killed anywhere and called again, the same is there once.

        Parameters
        ----------
        loop
            Name of the loop.
        manifests
            Content by environment.
        message
            Of the commit.

        Raises
        ------
        ManifestError
            If git refuses, or others pushed first five times in a row.
        """
        with self._locked():
            if not self._is_working_copy:
                self._put(loop, manifests)
                return
            with Repo(str(self._folder)) as repo, _told(self._folder):
                self._commit_and_push(repo, loop, manifests, message)

    def _commit_and_push(self, repo: Repo, loop: str, manifests: Mapping[str, str], message: str) -> None:
        for _ in range(ATTEMPTS):
            if self._push:
                _follow_remote(repo)
            self._commit(repo, loop, manifests, message)
            if not self._push or _pushed(repo):
                return
        raise ManifestError(f"{self._folder}: others pushed first, {ATTEMPTS} times in a row")

    def _commit(self, repo: Repo, loop: str, manifests: Mapping[str, str], message: str) -> None:
        """Write and commit; what a killed attempt had written or staged is committed as well."""
        self._put(loop, manifests)
        paths = [str(self._path(environment, loop)) for environment in manifests]
        porcelain.add(repo, paths)
        if any(porcelain.status(repo, untracked_files="no").staged.values()):
            porcelain.commit(repo, message=message.encode(), author=AUTHOR, committer=AUTHOR)

    def _put(self, loop: str, manifests: Mapping[str, str]) -> None:
        for environment, content in manifests.items():
            path = self._path(environment, loop)
            if self.read(environment, loop) == content:
                continue
            LocalObjects().write(str(path), content.encode())

    @property
    def _is_working_copy(self) -> bool:
        return (self._folder / ".git").exists()

    def _path(self, environment: str, loop: str) -> Path:
        return self._folder / environment / f"{loop}.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one loop at a time change the folder."""
        inside = self._folder / ".git"
        with (inside if inside.is_dir() else self._folder).joinpath(LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _follow_remote(repo: Repo) -> None:
    """Make branch, index and files those of the remote branch, if it is there; a new remote has none."""
    porcelain.fetch(repo, REMOTE, quiet=True)
    ahead = f"refs/remotes/{REMOTE}/{porcelain.active_branch(repo).decode()}"
    if ahead.encode() in repo.refs.allkeys():
        porcelain.reset(repo, "hard", ahead)


def _pushed(repo: Repo) -> bool:
    """Push the branch and tell whether it went through; it does not where others pushed since it was fetched."""
    with Path(os.devnull).open("wb") as nowhere:
        try:
            porcelain.push(repo, REMOTE, porcelain.active_branch(repo).decode(), outstream=nowhere, errstream=nowhere)
        except porcelain.DivergedBranches:
            return False
    return True


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say of what git refuses where it does."""
    try:
        yield
    except (GitError, GitProtocolError, NotGitRepository, OSError, LookupError, ValueError) as error:
        raise ManifestError(f"{folder}: git refuses: {CREDENTIALS.sub('', str(error))}") from error
