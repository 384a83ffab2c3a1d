"""What runs beside ingest and dashboard."""
