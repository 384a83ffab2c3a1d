"""The linter enforces the layers: a package without a layer or a forbidden import fails."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over a copy of the project, by the copy's own contracts."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, in a folder of their own."""
    skip = shutil.ignore_patterns("__pycache__", "assets")
    for name in ("otel_fmd", "dash_app"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_as_it_is_passes(copy: Path) -> None:
    """Or the others would prove nothing."""
    found = lint(copy)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("room", "planted", "words"),
    [
        ("otel_fmd/analysis/rollup.py", "from otel_fmd.store.store import Store", "layers BROKEN"),
        ("otel_fmd/queries/facts.py", "import otel_fmd.people.users", "layers BROKEN"),
        ("otel_fmd/web/login.py", "import dash_app.app", "imports the dashboard BROKEN"),
        ("dash_app/figures/bars.py", "import otel_fmd.queries.facts", "figures are pure BROKEN"),
        ("dash_app/page.py", "import otel_fmd.pipeline.pipeline", "read side only BROKEN"),
        ("otel_fmd/views/load.py", "import dash", "no Dash and no Flask BROKEN"),
        ("otel_fmd/actions/levels.py", "import sqlalchemy", "over the store alone BROKEN"),
        ("dash_app/pages/overview.py", "import otel_fmd.upkeep.eviction", "views and call"),
        ("dash_app/pages/overview.py", "import sqlite3", "views and call"),
        ("dash_app/newroom.py", "import otel_fmd.store.store", "newroom"),
        ("dash_app/components/tables.py", "import dash_app.pages.users", "of the dashboard BROKEN"),
        ("otel_fmd/views/load.py", "import sqlite3", "over the store alone BROKEN"),
        ("otel_fmd/queries/facts.py", "import werkzeug", "answers nobody BROKEN"),
        ("otel_fmd/metrics/health.py", "import sqlalchemy", "over the store alone BROKEN"),
        ("dash_app/app.py", "import otel_fmd.metrics.exposition", "read side only BROKEN"),
        ("otel_fmd/attic/__init__.py", '"""Nobody placed this room."""', "attic"),
    ],
)
def test_what_is_planted_is_found(copy: Path, room: str, planted: str, words: str) -> None:
    """Imports upwards, imports between packages of a layer, and a package without a layer."""
    file = copy / room
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as text:
        text.write(f"\n{planted}\n")
    found = lint(copy)
    assert found.returncode != 0
    assert words in found.stdout + found.stderr


def test_modules_import_in_no_circle() -> None:
    """Whatever imports what, at any place in a module, there is an order to read all."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for name in ("otel_fmd", "dash_app")
        for path in (ROOT / name).rglob("*.py")
    }
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                inner = {f"{node.module}.{one.name}" for one in node.names}
                names |= inner & files.keys() or {str(node.module)}
        graph[module] = (names & files.keys()) - {module}
    assert sum(map(len, graph.values())) > 500
    assert len(list(TopologicalSorter(graph).static_order())) == len(files)
