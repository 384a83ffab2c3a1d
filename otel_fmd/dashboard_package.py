"""Whether the packages of the dashboard are those that were installed.

A file in the working folder whose name is that of a package stands in front of it.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from otel_fmd.errors import ConfigurationError

NAME = "dash_app"
NEEDED = (
    NAME,
    "dash",
    "plotly",
    "dash_mantine_components",
    "dash_ag_grid",
    "colorhash",
    "flask_compress",
    "numpy",
)
"""The packages that the dashboard imports itself."""


def check_dashboard_package() -> None:
    """Check that the dashboard gets its own package, and those that it imports.

    Raises:
        ConfigurationError: another module stands in front of one; the message names its file and
            what to do.
    """
    found = _origin()
    own = Path(__file__).parent.parent / NAME / "__init__.py"
    if found is not None and own.exists() and not _is_same(found, own):
        raise _shadowed(NAME, found)
    for package in (*NEEDED[1:], "flask", "werkzeug"):
        shadow = shadow_of(package)
        if shadow:
            raise _shadowed(package, shadow)


def shadow_of(package: str) -> str:
    """The file in the working folder that stands in front of an installed package; '' for none."""
    here = os.path.realpath(os.getcwd())
    elsewhere = [path for path in sys.path if os.path.realpath(path or here) != here]
    try:
        found, other = find_spec(package), PathFinder.find_spec(package, elsewhere)
    except (ImportError, ValueError):
        return ""
    origin = None if found is None else found.origin
    if origin is None or other is None or other.origin is None or _is_same(origin, other.origin):
        return ""
    return origin if os.path.realpath(origin).startswith(here + os.sep) else ""


def _shadowed(package: str, file: str) -> ConfigurationError:
    return ConfigurationError(
        f"the dashboard needs the package {package!r}, and {file} shadows it: rename that file or "
        f"folder, or run `otel-fmd serve` from a folder without it, with the same "
        f"OTEL_FMD_DATABASE_URL"
    )


def _origin() -> str | None:
    """The file that `import dash_app` finds, or has found already; None if there is none."""
    loaded = sys.modules.get(NAME)
    if loaded is not None:
        return getattr(loaded, "__file__", None) or "a module without a file"
    spec = find_spec(NAME)
    if spec is None:
        return None
    return spec.origin or next(iter(spec.submodule_search_locations or []), None)


def _is_same(found: str, own: str | Path) -> bool:
    try:
        return os.path.samefile(found, own)
    except OSError:
        return False
