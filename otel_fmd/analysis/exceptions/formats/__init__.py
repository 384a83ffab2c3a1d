"""How each language prints a stack trace: one module per format, each with `read` and `looks`.

`looks(text)` says whether a text may be of this format; `read(text)` returns a `drafts.Draft`, or
None when it holds no trace of it.
"""
