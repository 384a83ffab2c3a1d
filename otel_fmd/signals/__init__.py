"""Neutral span records, the semantic conventions, and span -> request translation."""
