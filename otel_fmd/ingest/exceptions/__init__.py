"""Exceptions of a batch: what each is a variant of, what is kept of it, and how often it was."""
