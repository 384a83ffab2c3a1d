"""The version; set by `.ci/bump-version`."""

__version__ = "0.1.0"
