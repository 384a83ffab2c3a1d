"""What keeps a database in order: retention, eviction, adoption."""

import otel_fmd.store  # noqa: F401 - before SQLAlchemy: it says which one is needed
