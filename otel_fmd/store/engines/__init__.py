"""Databases: one module each, with everything that differs between them.

Every module in this package is a supported database: its `ENGINE` is a `DatabaseEngine`, found by
its URL schemes. Nothing else in the program checks which database it is.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from otel_fmd.store.engines.base import DatabaseEngine

__all__ = ["DatabaseEngine", "engines"]


def engines() -> dict[str, DatabaseEngine]:
    """Every database engine, by the schemes of its URLs."""
    found: dict[str, DatabaseEngine] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        engine = getattr(import_module(module.name), "ENGINE", None)
        if engine is not None:
            found.update(dict.fromkeys(engine.schemes, engine))
    return found
