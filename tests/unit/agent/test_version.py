"""The version from a Git folder: packed references and worktrees, too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from otel_fmd.agent.version import commit_of, version_of
from tests.support.requirements import program


def git(folder: Path, *arguments: str) -> str:
    """Run Git in a folder."""
    me = ["-c", "user.name=x", "-c", "user.email=x@example"]
    command = [program("git"), "-C", str(folder), *me, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "app"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_the_commit_of_a_branch(clone: Path) -> None:
    """As FMD shortens it; from the `.git` folder or the one that it is in."""
    commit = git(clone, "rev-parse", "HEAD")
    assert commit_of(str(clone / ".git")) == commit_of(str(clone)) == commit[:6]


def test_packed_references_worktrees_and_detached_heads(clone: Path, tmp_path: Path) -> None:
    """Wherever Git keeps it."""
    commit = git(clone, "rev-parse", "HEAD")
    git(clone, "pack-refs", "--all")
    assert commit_of(str(clone)) == commit[:6]
    git(clone, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    assert commit_of(str(tmp_path / "tree")) == commit[:6]
    git(clone, "checkout", "-q", "--detach")
    assert commit_of(str(clone)) == commit[:6]


def test_no_repository_is_no_version(tmp_path: Path) -> None:
    """And what the app says itself wins."""
    assert commit_of(str(tmp_path)) == ""
    assert version_of("1.7", str(tmp_path)) == "1.7"
    assert version_of("", "") == ""
