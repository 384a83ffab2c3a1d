"""Secrets in what exceptions say: messages, lines of code, places, local variables."""

from __future__ import annotations

import re

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import cut_redacted

_PARAMETERS = re.compile(r"\[parameters: [^\n]*")
_KEY = re.compile(r"(Key \((\w[\w, \"]*)\)=\()([^)\n]*)(\))")
_LITERAL = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_HIDDEN = "[redacted]"


class ExceptionSecrets:
    """Hides secrets in the parts of an exception, each within a width.

    Args:
        redactor: knows names and patterns of secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def message(self, text: str, width: int) -> str:
        """A message; what SQLAlchemy says of a statement's parameters is left out."""
        return cut_redacted(text, self._message, width)

    def text(self, text: str, width: int) -> str:
        """A stack trace that could not be parsed."""
        return cut_redacted(text, self._message, width)

    def code(self, text: str, width: int) -> str:
        """Lines of code; their literals are texts of their own."""
        return cut_redacted(text, self._code, width)

    def place(self, text: str, width: int) -> str:
        """A path, an address, a type or the name of a function."""
        if "://" in text:
            return cut_redacted(text, self._redactor.url, width)
        return cut_redacted(text, self._redactor.text, width)

    def _message(self, text: str) -> str:
        text = _PARAMETERS.sub(f"[parameters: {_HIDDEN}]", text)
        return self._redactor.text(_KEY.sub(self._key, text))

    def _key(self, found: re.Match[str]) -> str:
        """PostgreSQL names the columns of a key, and then their values."""
        names, values = found[2].split(","), found[3]
        kept = [self._redactor.value(name.strip(' "'), values) for name in names]
        return found[0] if all(one == values for one in kept) else f"{found[1]}{_HIDDEN}{found[4]}"

    def _code(self, text: str) -> str:
        inner = _LITERAL.sub(lambda found: self._redactor.text(found[0]), text)
        return self._redactor.code(inner)
