"""The jobs that run alongside ingest and the dashboard."""
