"""Parts that a machine may lack: their tests are skipped, or fail where all must be there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRE_ALL = os.environ.get("OTEL_FMD_REQUIRE_ALL") == "1"
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
CACHE = Path(os.environ.get("OTEL_FMD_TEST_CACHE") or Path.home() / ".cache" / "otel-fmd-tests")
"""What is built from the registries of other languages, for all checkouts."""


def missing(what: str) -> NoReturn:
    """Skip the test because something is not installed; fail it under OTEL_FMD_REQUIRE_ALL=1."""
    if REQUIRE_ALL:
        pytest.fail(f"{what} is not installed, and OTEL_FMD_REQUIRE_ALL=1")
    pytest.skip(f"{what} is not installed")


def program(*names: str, folders: tuple[str, ...] = ()) -> str:
    """The path of the first of these programs that is installed."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
        for folder in folders:
            for path in sorted(Path("/").glob(f"{folder.lstrip('/')}/{name}"), reverse=True):
                return str(path)
    missing(names[0])
