"""Alembic migrations; run by `otel_fmd.database.schema`, never by hand."""
