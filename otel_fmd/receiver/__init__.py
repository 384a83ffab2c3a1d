"""Joins the OTLP wire to the pipeline."""
