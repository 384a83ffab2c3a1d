"""The jobs that run beside ingest and dashboard."""
