"""Bodies: decompression that stops at the limit."""

from __future__ import annotations

import zlib

from otel_fmd.otlp.errors import BadDataError, TooLargeError, UnsupportedEncodingError

_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def content_coding(header: str) -> str:
    """The coding that a `Content-Encoding` header names: `gzip`, or '' for none.

    Raises:
        UnsupportedEncodingError: it is neither gzip nor identity.
    """
    coding = header.strip().lower()
    if coding in ("", "identity"):
        return ""
    if coding != "gzip":
        raise UnsupportedEncodingError(
            f"Content-Encoding must be gzip or identity, not {coding[:50]!r}"
        )
    return coding


def decompress(body: bytes, coding: str, limit: int) -> bytes:
    """The body without its coding (see `content_coding`), at most `limit` bytes of it.

    Raises:
        TooLargeError: more than `limit` bytes would come out; no more than that was made.
        BadDataError: not gzip.
    """
    if not coding:
        return body
    parts: list[bytes] = []
    room = limit + 1
    while body:
        reader = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = reader.decompress(body, room)
        except zlib.error as error:
            raise BadDataError(f"not gzip: {error}") from None
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise TooLargeError(f"over {limit} bytes after decompression")
        if not reader.eof:
            raise BadDataError("not gzip: the stream ends too early")
        body = reader.unused_data
    return b"".join(parts)
