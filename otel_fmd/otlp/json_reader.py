"""Walks a JSON document without making objects of more than one value at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from otel_fmd.otlp.errors import BadDataError, TooLargeError, UnusableError

_BLANK = re.compile(r"[ \t\n\r]*")
_WINDOW = 2 * 1024
_MOST_TOKENS = 65_536
_MOST_PASSED = 500_000
"""Brackets and texts of a body that are gone past, unread: half a second of work."""
_decode = json.JSONDecoder().raw_decode
# A text, a bracket, or what lies between them; a text that does not end matches nothing.
_PIECE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{\[]|[}\]]|[^"{}\[\]]++', re.DOTALL)


class JsonReader:
    """Reads a document from beginning to end.

    The text is kept as Latin-1, one byte per character (a single astral character would otherwise
    make it four). A value that is not ASCII is decoded by itself, as UTF-8.

    Args:
        body: the document, in UTF-8; what is not UTF-8 is replaced, value by value.
    """

    def __init__(self, body: bytes) -> None:
        self._text = body.decode("latin-1")
        self._passes_left = _MOST_PASSED
        self._at = 3 if body.startswith(b"\xef\xbb\xbf") else 0

    def object_keys(self) -> Iterator[str]:
        """The keys of the object that comes next; each one's value must be read before the next.

        Raises:
            BadDataError: no object comes next.
        """
        self._take("{")
        if self._next() == "}":
            self._at += 1
            return
        while True:
            key = self.value()[0]
            if not isinstance(key, str):
                raise BadDataError(f"not JSON: a key must be a string, at {self._at}")
            self._take(":")
            yield key
            if self._took_last("}"):
                return

    def items(self) -> Iterator[None]:
        """Stops before each item of the list that comes next; it must be read before the next.

        Raises:
            BadDataError: neither a list nor null comes next.
        """
        if self._next() == "n" and self.value()[0] is None:
            return
        self._take("[")
        if self._next() == "]":
            self._at += 1
            return
        while True:
            yield
            if self._took_last("]"):
                return

    def value(self) -> tuple[Any, bytes]:
        """The value that comes next, and its text in UTF-8.

        Raises:
            BadDataError: it is not JSON.
            TooLargeError: it, or all of this kind together, is too much to go past.
            UnusableError: it is nested too deep, has more than 65,536 parts or a number of
                thousands of digits; the reader stands behind it.
        """
        first = self._next()
        if first and first not in "{[":
            return self._plain()
        text, start, size = self._text, self._at, _WINDOW
        while True:
            window = text[start : start + size]
            if window.count(",") + window.count("{") + window.count("[") > _MOST_TOKENS:
                raise self._pass(f"it has more than {_MOST_TOKENS} parts")
            whole = start + size >= len(text)
            try:
                value, length = _decode(window)
            except RecursionError:
                raise self._pass("it is nested too deep") from None
            except json.JSONDecodeError as error:
                if whole:
                    raise BadDataError(f"not JSON: {error}") from None
            except ValueError as error:
                raise self._pass(str(error)) from None
            else:
                # A number may continue after the window.
                if whole or length < len(window):
                    break
            size *= 4
        self._at = start + length
        return self._read(value, window[:length])

    def _plain(self) -> tuple[Any, bytes]:
        """A text, a number or a word: one object, however long."""
        text, start = self._text, self._at
        try:
            value, self._at = _decode(text, start)
        except json.JSONDecodeError as error:
            raise BadDataError(f"not JSON: {error}") from None
        except ValueError as error:
            raise self._pass(str(error)) from None
        return self._read(value, text[start : self._at])

    @staticmethod
    def _read(value: Any, text: str) -> tuple[Any, bytes]:
        raw = text.encode("latin-1")
        if not raw.isascii():
            value = json.loads(raw.decode("utf-8", "replace"))
        return value, raw

    def skip(self) -> None:
        """Skip the next value, of any kind.

        Raises:
            BadDataError: it is not JSON.
            TooLargeError: too much of the body was skipped.
        """
        try:
            self.value()
        except UnusableError:
            pass

    def _pass(self, why: str) -> UnusableError:
        """Go behind the value that comes next, without making anything of it.

        Raises:
            BadDataError: it has no end.
            TooLargeError: too much of the body was skipped.
        """
        start, depth = self._at, 0
        for piece in _PIECE.finditer(self._text, start):
            self._passes_left -= 1
            if self._passes_left < 0:
                raise TooLargeError(f"a value in JSON, at {start}: {why}")
            if piece.start() != self._at:
                break
            self._at = piece.end()
            first = piece[0][0]
            if first in "{[":
                depth += 1
            elif first in "}]":
                depth -= 1
            elif not depth and first != '"':
                # A number by itself: it ends where the next item or key begins.
                self._at = piece.start() + len(piece[0].partition(",")[0])
            if not depth:
                return UnusableError(why)
        raise BadDataError(f"not JSON: a value that begins at {start} has no end")

    def end(self) -> None:
        """Check that nothing comes after the document.

        Raises:
            BadDataError: something does.
        """
        if self._next():
            raise BadDataError(f"not JSON: something after the document, at {self._at}")

    def next_is(self, firsts: str) -> bool:
        """Whether what comes next begins with one of these characters."""
        found = self._next()
        return bool(found) and found in firsts

    def _next(self) -> str:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, character: str) -> None:
        found = self._next()
        if found != character:
            what = {"{": "an object", "[": "a list"}.get(character, repr(character))
            raise BadDataError(
                f"{what} was expected in the JSON, at {self._at}; got {found or 'its end'!a}"
            )
        self._at += 1

    def _took_last(self, closing: str) -> bool:
        if self._next() == closing:
            self._at += 1
            return True
        self._take(",")
        return False
