"""What every process does first with a database: its tables, and figures that agree with them."""

from __future__ import annotations

import logging

from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.rollups.recount import repair
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.settings import RECOUNT, get_setting, remove_setting
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)


def prepare(store: Store) -> None:
    """Create or upgrade the tables, and recount the rollups if a migration changed rows.

    Raises:
        SchemaError: see `ensure_schema`.
        StoreUnavailableError: the database cannot be reached or written.
    """
    ensure_schema(store)
    with store.read() as connection:
        if get_setting(connection, store.tables, RECOUNT) is None:
            return
    _log.warning("recounting the rollups of %s after its upgrade", store.display_url)
    repair(store, DeltaFolder(store))
    with store.write() as connection:
        remove_setting(connection, store.tables, RECOUNT)
