"""Alembic migrations; run by `otel_fmd.store.schema`, never by hand."""
