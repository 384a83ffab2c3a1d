"""Revisions of the schema, the oldest first; each stays as it ran."""
