"""Redaction: which names and values are secrets, and `Redactor`, which hides them.

Only `Redactor` is used from outside: it is made once, from the settings, and passed to everything
that stores texts of spans.
"""
