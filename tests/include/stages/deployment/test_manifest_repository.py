from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dulwich import porcelain
from dulwich.repo import Repo

from include.foundation.errors import DeploymentError, ManifestError
from include.stages.deployment import manifest_repository
from include.stages.deployment.manifest_repository import ManifestRepository


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working copy without a remote."""
    return made_copy(tmp_path / "copy")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    (tmp_path / "remote.git").mkdir()
    Repo.init_bare(str(tmp_path / "remote.git"))
    return tmp_path / "remote.git"


@pytest.fixture
def cloned(tmp_path: Path, remote: Path) -> Path:
    """A working copy that pushes to the remote, on which there is a commit of somebody."""
    other = cloned_from(remote, tmp_path / "other")
    push_as_other(other, "README", "Ours.")
    return cloned_from(remote, tmp_path / "cloned")


def made_copy(folder: Path) -> Path:
    folder.mkdir()
    Repo.init(str(folder), default_branch=b"main").close()
    return folder


def cloned_from(remote: Path, folder: Path) -> Path:
    made_copy(folder)
    with Repo(str(folder)) as repo:
        porcelain.remote_add(repo, "origin", str(remote))
        porcelain.fetch(repo, "origin", quiet=True)
        if b"refs/remotes/origin/main" in repo.refs.allkeys():
            porcelain.reset(repo, "hard", "refs/remotes/origin/main")
    return folder


def push_as_other(folder: Path, name: str, content: str) -> None:
    with Repo(str(folder)) as repo:
        porcelain.fetch(repo, "origin", quiet=True)
        if b"refs/remotes/origin/main" in repo.refs.allkeys():
            porcelain.reset(repo, "hard", "refs/remotes/origin/main")
        (folder / name).write_text(content)
        porcelain.add(repo, [str(folder / name)])
        porcelain.commit(repo, message=b"Theirs", author=b"a <a@b>", committer=b"a <a@b>")
        with (folder / ".git" / "out").open("wb") as out:
            porcelain.push(repo, "origin", "main", outstream=out, errstream=out)


def messages(folder: Path) -> list[str]:
    """Of the commits, the newest first."""
    with Repo(str(folder)) as repo:
        if b"refs/heads/main" not in repo.refs.allkeys():
            return []
        walker = repo.get_walker([repo.refs[b"refs/heads/main"]])
        return [entry.commit.message.decode() for entry in walker]


def files(folder: Path) -> dict[str, str]:
    """Of the newest commit."""
    with Repo(str(folder)) as repo:
        commit: Any = repo[repo.refs[b"refs/heads/main"]]
        entries = repo.object_store.iter_tree_contents(commit.tree)
        return {entry.path.decode(): repo[entry.sha].as_raw_string().decode() for entry in entries}


def test_folder_gets_a_file_for_each_environment(tmp_path: Path) -> None:
    repository = ManifestRepository(tmp_path)
    assert repository.read("staging", "wire") is None
    repository.write("wire", {"staging": "one", "production": "zero"}, "Said.")
    assert (repository.read("staging", "wire"), repository.read("production", "wire")) == ("one", "zero")
    assert (tmp_path / "staging" / "wire.json").read_text() == "one"
    assert (tmp_path / "staging" / "wire.json").stat().st_mode & 0o777 == 0o644


def test_working_copy_gets_a_commit_for_each_change_and_none_without(copy: Path) -> None:
    repository = ManifestRepository(copy)
    for content in ("one", "one", "two", "two"):
        repository.write("wire", {"staging": content, "production": content}, f"Serve {content}")
    assert messages(copy) == ["Serve two", "Serve one"]
    assert files(copy) == {"staging/wire.json": "two", "production/wire.json": "two"}


def test_loops_share_a_working_copy_and_leave_what_others_do_not_commit(copy: Path) -> None:
    (copy / "note").write_text("A person's, not committed.")
    for loop in ("wire", "mail"):
        ManifestRepository(copy).write(loop, {"production": loop}, f"Serve {loop}")
    assert files(copy) == {"production/wire.json": "wire", "production/mail.json": "mail"}
    assert (copy / "note").exists()


def test_commits_are_pushed_and_those_of_others_are_kept(cloned: Path, remote: Path, tmp_path: Path) -> None:
    repository = ManifestRepository(cloned, push=True)
    repository.write("wire", {"production": "one"}, "Serve one")
    push_as_other(tmp_path / "other", "later", "Theirs.")
    repository.write("wire", {"production": "two"}, "Serve two")
    repository.write("wire", {"production": "two"}, "Serve two")
    assert messages(remote) == ["Serve two", "Theirs", "Serve one", "Theirs"]
    assert files(remote) == {"README": "Ours.", "later": "Theirs.", "production/wire.json": "two"}


def test_first_commit_of_all_is_pushed(remote: Path, tmp_path: Path) -> None:
    ManifestRepository(cloned_from(remote, tmp_path / "first"), push=True).write(
        "wire", {"production": "one"}, "Serve one"
    )
    assert messages(remote) == ["Serve one"]


def test_who_pushes_in_between_is_not_overwritten(
    cloned: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow, times = manifest_repository._follow_remote, iter(range(2))

    def followed(repo: Repo) -> None:
        follow(repo)
        for number in times:
            push_as_other(tmp_path / "other", f"race{number}", "Theirs.")
            break

    monkeypatch.setattr(manifest_repository, "_follow_remote", followed)
    ManifestRepository(cloned, push=True).write("wire", {"production": "one"}, "Serve one")
    assert files(remote).keys() == {"README", "race0", "race1", "production/wire.json"}
    assert messages(remote).count("Serve one") == 1


def test_who_loses_every_race_is_told(cloned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_repository, "_pushed", lambda _: False)
    with pytest.raises(ManifestError, match="others pushed first, 5 times"):
        ManifestRepository(cloned, push=True).write("wire", {"production": "one"}, "Serve one")


STEPS: list[tuple[str, Callable[..., Any]]] = [
    (name, getattr(porcelain, name)) for name in ("fetch", "reset", "add", "commit", "push")
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("step", "real"), STEPS, ids=[name for name, _ in STEPS])
def test_killed_at_any_step_and_run_again_there_is_one_commit(
    cloned: Path, remote: Path, monkeypatch: pytest.MonkeyPatch, step: str, real: Callable[..., Any], *, after: bool
) -> None:
    def killed(*arguments: Any, **named: Any) -> None:
        if after:
            real(*arguments, **named)
        raise Killed

    repository = ManifestRepository(cloned, push=True)
    with monkeypatch.context() as patched:
        patched.setattr(porcelain, step, killed)
        with pytest.raises(Killed):
            repository.write("wire", {"staging": "one", "production": "one"}, "Serve one")
    repository.write("wire", {"staging": "one", "production": "one"}, "Serve one")
    assert messages(remote) == ["Serve one", "Theirs"]
    assert files(remote) == {"README": "Ours.", "staging/wire.json": "one", "production/wire.json": "one"}


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="expected a folder that is there"):
        ManifestRepository(tmp_path / "gone")


def test_what_is_no_working_copy_cannot_be_pushed(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="no git working copy"):
        ManifestRepository(tmp_path, push=True)


@pytest.mark.parametrize("remote_address", ["{folder}/gone.git", "https://user:secret@127.0.0.1:1/gone.git", None])
def test_what_git_refuses_is_told(copy: Path, remote_address: str | None) -> None:
    with Repo(str(copy)) as repo:
        if remote_address:
            porcelain.remote_add(repo, "origin", remote_address.format(folder=copy))
    with pytest.raises(ManifestError, match="git refuses") as refused:
        ManifestRepository(copy, push=True).write("wire", {"production": "one"}, "Serve one")
    assert "secret" not in str(refused.value)
