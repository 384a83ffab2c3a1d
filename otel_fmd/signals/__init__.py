"""Neutral records of what arrives, and the semantic conventions, old and stable."""
