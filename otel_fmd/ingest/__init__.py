"""Batches of requests, with everything that belongs to them, in one transaction."""

import otel_fmd.store  # noqa: F401 - before SQLAlchemy: it says which one is needed
