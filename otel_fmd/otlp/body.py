"""Bodies: decompression that stops at the limit, and never makes much of little."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator

from otel_fmd.otlp.errors import BadDataError, TooLargeError, UnsupportedEncodingError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_STEP = 256 * 1024
_MOST_MEMBERS = 64
_FREE = 8 * 2**20
_MOST_RATIO = 20
"""A body of OTLP compresses to a tenth, at best to a thirtieth; over 8 MiB twenty are allowed."""
_ZSTD_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""A window of 8 MiB: what RFC 8878 asks every decoder to offer, and no more."""
_CODINGS = {
    "": "",
    "identity": "",
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "deflate",
    "zstd": "zstd",
}
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\x78", "deflate"))


def content_coding(header: str) -> str:
    """The coding that a `Content-Encoding` header names: gzip, deflate, zstd, or '' for none.

    Raises:
        UnsupportedEncodingError: it is another.
    """
    coding = _CODINGS.get(header.strip().lower())
    if coding is None:
        raise UnsupportedEncodingError(
            "Content-Encoding must be gzip, deflate, zstd or identity, "
            f"not {header.strip().lower()[:50]!r}"
        )
    return coding


def coding_of(body: bytes) -> str:
    """The coding of a body that nothing names; no message of OTLP begins as one of them does."""
    for magic, coding in _MAGIC:
        if body.startswith(magic):
            return coding
    return ""


def decompress(
    body: bytes, coding: str, limit: int, growing: Callable[[int], None] = lambda _: None
) -> bytes:
    """The body without its coding (see `content_coding`), at most `limit` bytes of it.

    `growing` is called with twice the number of bytes that come out, as they do, for they are put
    together once more in the end; it may raise.

    Raises:
        TooLargeError: more than `limit` bytes would come out, or more than 8 MiB that are more
            than twenty times the body; no more than that was made.
        BadDataError: it is not what the coding says.
    """
    if not coding:
        return body
    most = min(limit, max(_FREE, _MOST_RATIO * len(body)))
    parts: list[bytes] = []
    size = 0
    try:
        for part in _READERS[coding](body):
            size += len(part)
            if size > most:
                raise TooLargeError(f"over {most} bytes after decompression")
            growing(2 * len(part))
            parts.append(part)
    except (zlib.error, zstd.ZstdError) as error:
        raise BadDataError(f"not {coding}: {error}") from None
    return b"".join(parts)


def _gzip(body: bytes) -> Iterator[bytes]:
    members = 0
    while body:
        members += 1
        if members > _MOST_MEMBERS:
            raise BadDataError(f"gzip of more than {_MOST_MEMBERS} members")
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        yield from _inflate(reader, body, "gzip")
        body = reader.unused_data


def _deflate(body: bytes) -> Iterator[bytes]:
    # The standard means zlib's format, but some send bare deflate: the first bytes show which.
    is_zlib = len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    reader = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
    yield from _inflate(reader, body, "deflate")


def _inflate(reader: zlib._Decompress, body: bytes, coding: str) -> Iterator[bytes]:
    while not reader.eof:
        part = reader.decompress(body, _STEP)
        body = reader.unconsumed_tail
        yield part
        if not part and not body and not reader.eof:
            raise BadDataError(f"not {coding}: the stream ends too early")


def _zstd(body: bytes) -> Iterator[bytes]:
    frames = 0
    while body:
        frames += 1
        if frames > _MOST_MEMBERS:
            raise BadDataError(f"zstd of more than {_MOST_MEMBERS} frames")
        reader = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
        data = body
        while not reader.eof:
            part = reader.decompress(data, _STEP)
            data = b""
            yield part
            if not part and reader.needs_input and not reader.eof:
                raise BadDataError("not zstd: the stream ends too early")
        body = reader.unused_data


_READERS = {"gzip": _gzip, "deflate": _deflate, "zstd": _zstd}
