"""Exceptions: stack traces of any language, parsed, and which of them are the same bug.

`parse.parse` reads a text into a `trace.StackTrace`; `grouping.group_of` names its group. Both are
pure and bounded; a cache belongs above them.
"""
