"""The version of an app from its Git folder, without Git."""

from __future__ import annotations

from pathlib import Path

LENGTH = 6
"""Characters of the commit; as many as FMD keeps."""


def commit_of(folder: str) -> str:
    """The first characters of the commit that is checked out; '' when it cannot be found.

    Args:
        folder: a `.git` folder, the file of that name in a worktree, or the folder they are in.
    """
    try:
        git = _git_folder(Path(folder))
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head[:LENGTH]
        return _commit(git, head.removeprefix("ref: "))[:LENGTH]
    except (OSError, UnicodeDecodeError):
        return ""


def _git_folder(path: Path) -> Path:
    if (path / ".git").exists():
        path = path / ".git"
    if path.is_file():  # a worktree or a submodule
        target = path.read_text().strip().removeprefix("gitdir: ")
        return path.parent / target
    return path


def _commit(git: Path, name: str) -> str:
    """The commit of a reference: in a file of its own, or among the packed ones."""
    common = git
    if (git / "commondir").exists():
        common = git / (git / "commondir").read_text().strip()
    for folder in (git, common):
        if (folder / name).is_file():
            return (folder / name).read_text().strip()
    packed = common / "packed-refs"
    for line in packed.read_text().splitlines() if packed.is_file() else ():
        commit, _, reference = line.partition(" ")
        if reference == name:
            return commit
    return ""


def version_of(app_version: str, git: str) -> str:
    """The version of an app: as given (FMD's APP_VERSION), else the commit of its Git folder."""
    return app_version or (commit_of(git) if git else "")
