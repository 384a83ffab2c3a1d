"""Decompression that stops at the limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
import zstandard

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


TEXT = b"a text that is compressed " * 1000
CODED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "x-gzip": gzip.compress(TEXT, mtime=0),
    "deflate": zlib.compress(TEXT),
    "deflate, bare": zlib.compress(TEXT)[2:-4],
    "zstd": zstandard.compress(TEXT),
    "zstd, checked": zstandard.ZstdCompressor(write_checksum=True).compress(TEXT),
    "zstd, streamed": (lambda made: made.compress(TEXT) + made.flush())(
        zstandard.ZstdCompressor().compressobj()
    ),
}


@pytest.mark.parametrize("name", CODED)
def test_every_coding_that_exporters_offer_is_undone(name: str) -> None:
    """Gzip under both names, deflate as the standard says and as some send it, zstd."""
    coding = content_coding(name.partition(",")[0])
    assert decompress(CODED[name], coding, 100_000) == TEXT


@pytest.mark.parametrize("name", CODED)
def test_a_body_that_was_cut_is_bad_data(name: str) -> None:
    """Wherever it was cut: never a success for a part of it."""
    coding = content_coding(name.partition(",")[0])
    for length in range(len(CODED[name])):
        with pytest.raises(BadDataError):
            decompress(CODED[name][:length] or b"?", coding, 100_000)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_what_is_not_of_the_coding_is_bad_data(coding: str) -> None:
    """Garbage."""
    with pytest.raises(BadDataError):
        decompress(b"\xffnonsense" * 9, coding, 10_000)


def test_small_members_without_end_are_bad_data() -> None:
    """A million of them would be copied a million times."""
    with pytest.raises(BadDataError):
        decompress(gzip.compress(b"") * 1000, "gzip", 10_000)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_much_of_little_is_refused(coding: str) -> None:
    """Over 8 MiB no more than twenty times the body comes out, whatever the limit."""
    plain = bytes(40_000_000)
    bomb = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[coding]
    grown: list[int] = []
    with pytest.raises(TooLargeError):
        decompress(bomb(plain), coding, 2**30, grown.append)
    assert sum(grown) <= 2 * 8 * 2**20


@pytest.mark.parametrize("header", ["br", "compress", "gzip, gzip"])
def test_other_codings_are_refused(header: str) -> None:
    """Only what the receiver speaks."""
    with pytest.raises(UnsupportedEncodingError, match=header):
        content_coding(header)
