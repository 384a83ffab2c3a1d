"""Sphinx configuration."""

from otel_fmd._version import __version__

project = "otel-fmd"
author = "the otel-fmd authors"
copyright = "2026, the otel-fmd authors"
release = version = __version__
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "otel-fmd"
exclude_patterns = ["_build", "deploy"]
