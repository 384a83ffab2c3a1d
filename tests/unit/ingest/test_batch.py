"""Batches: rows of whatever kind, taken apart and put together."""

from __future__ import annotations

from otel_fmd.ingest.batch import Batch, joined
from otel_fmd.requests.request import NOTHING_MORE, Request


def batch(first: int, number: int) -> Batch:
    """Requests with ids from `first` on."""
    return Batch(
        [
            Request("s", "e", "v", one, 1, 200, None, "", bytes(16), bytes(8), NOTHING_MORE, None)
            for one in range(first, first + number)
        ]
    )


def starts(found: Batch) -> list[int]:
    """What tells the rows apart."""
    return [one.start_us for one in found.requests]


def test_parts_hold_every_row_once() -> None:
    """In their order, none too large; an empty batch is one empty part, a small one itself."""
    whole = batch(0, 10)
    assert [starts(one) for one in whole.parts(4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(whole.parts(10)) == [whole]
    assert [one.rows for one in Batch().parts(4)] == [0]


def test_joined_batches_are_one() -> None:
    """In their order; one alone stays what it is."""
    first = batch(0, 2)
    assert joined([first]) is first
    both = joined([first, batch(5, 3)])
    assert starts(both) == [0, 1, 5, 6, 7]
    assert both.rows == 5
