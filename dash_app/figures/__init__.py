"""Figures: pure functions from plain data to `go.Figure`."""
