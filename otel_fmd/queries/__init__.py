"""The read side: what pages and routes ask of the database, as plain records.

Every query takes a `Snapshot`, so that rollups and pending deltas of one answer belong together.
Time ranges are whole hours (UTC), so that figures from rollups and figures from rows agree.
"""

import otel_fmd.store  # noqa: F401 - before SQLAlchemy: it says which one is needed
