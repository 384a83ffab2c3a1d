"""Whether `dash_app` is ours: a file of that name in the working folder would stand in front."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from otel_fmd.errors import ConfigurationError

NAME = "dash_app"


def check_dashboard_package() -> None:
    """Check that `import dash_app` gets the dashboard.

    Raises:
        ConfigurationError: it gets another module; the message names its file and what to do.
    """
    found = _origin()
    own = Path(__file__).parent.parent / NAME / "__init__.py"
    if found is None or not own.exists() or _is_same(found, own):
        return
    raise ConfigurationError(
        f"the dashboard is the package {NAME!r}, and {found} shadows it: rename that file or "
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


def _is_same(found: str, own: Path) -> bool:
    try:
        return os.path.samefile(found, own)
    except OSError:
        return False
