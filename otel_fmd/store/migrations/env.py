"""Alembic's environment: the connection and the table prefix come from `schema.upgrade`."""

from alembic import context

from otel_fmd.store.tables import build_tables

attributes = context.config.attributes
prefix = attributes["prefix"]
context.configure(
    connection=attributes["connection"],
    target_metadata=build_tables(prefix).metadata,
    version_table=attributes["version_table"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
