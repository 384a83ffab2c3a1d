"""Decompression that stops at the limit."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from otel_fmd.otlp.body import content_coding, decompress
from otel_fmd.otlp.errors import BadDataError, TooLargeError, UnsupportedEncodingError


@pytest.mark.parametrize("header", ["", "identity", " Identity "])
def test_a_plain_body_is_left_alone(header: str) -> None:
    """No coding, or identity."""
    assert decompress(b"abc", content_coding(header), 10) == b"abc"


def test_gzip_is_undone() -> None:
    """Also in several members."""
    assert decompress(gzip.compress(b"abc") + gzip.compress(b"def"), "gzip", 10) == b"abcdef"


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    """100 MB of zeros in 100 kB: stopped at 1 MB."""
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        decompress(bomb, "gzip", 1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("body", [b"nonsense", gzip.compress(b"x" * 1000)[:-9]])
def test_what_is_not_gzip_is_bad_data(body: bytes) -> None:
    """Garbage and a stream that was cut."""
    with pytest.raises(BadDataError):
        decompress(body, "gzip", 10_000)


@pytest.mark.parametrize("header", ["br", "deflate", "gzip, gzip"])
def test_other_codings_are_refused(header: str) -> None:
    """Only gzip and identity are spoken."""
    with pytest.raises(UnsupportedEncodingError, match=header):
        content_coding(header)
