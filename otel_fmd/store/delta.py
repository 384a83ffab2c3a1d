"""Delta rows: the columns of the requests that a batch really inserted, packed.

Layout: `<version byte, rows, length of the JSON>`, the JSON (`names`: users and addresses of this
batch; `seen`: endpoints at monitor level 0 with the time of their last request), then one array
after the other, little-endian, in the order of `_ARRAYS`.
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from otel_fmd.errors import StoreError

_HEAD = struct.Struct("<BII")
_FORMAT = 1
_ARRAYS = ("i", "i", "h", "q", "q", "i", "i")
NO_STATUS = 0
"""Stands for a missing status code, in deltas and rollups."""


class Columns(NamedTuple):
    """The requests of a delta, one sequence per column, all of the same length.

    `seen` maps endpoints at monitor level 0 to their last start in unix microseconds.
    """

    endpoint_ids: Sequence[int]
    version_ids: Sequence[int]
    status_codes: Sequence[int]
    starts_us: Sequence[int]
    durations_ns: Sequence[int]
    users: Sequence[str]
    addresses: Sequence[str]
    seen: dict[int, int]


def pack(columns: Columns) -> bytes:
    """The payload for these requests."""
    unique = dict.fromkeys(chain(columns.users, columns.addresses))
    names = {name: number for number, name in enumerate(unique)}
    get = names.__getitem__
    numbers = [*columns[:5], map(get, columns.users), map(get, columns.addresses)]
    head = {"names": list(names), "seen": [[k, v] for k, v in columns.seen.items()]}
    text = json.dumps(head, separators=(",", ":")).encode()
    parts = [array(code, values) for code, values in zip(_ARRAYS, numbers, strict=True)]
    head_bytes = _HEAD.pack(_FORMAT, len(parts[0]), len(text))
    return b"".join([head_bytes, text, *(_little(part).tobytes() for part in parts)])


def unpack(payload: bytes) -> Columns:
    """The columns of a payload.

    Raises:
        StoreError: the payload is of a format that this version does not know.
    """
    version, rows, length = _HEAD.unpack_from(payload)
    if version != _FORMAT:
        raise StoreError(f"delta format {version} is unknown; expected {_FORMAT}")
    place = _HEAD.size + length
    head = json.loads(payload[_HEAD.size : place])
    lists: list[list[int]] = []
    view = memoryview(payload)
    for code in _ARRAYS:
        values = array(code)
        size = rows * values.itemsize
        values.frombytes(view[place : place + size])
        lists.append(_little(values).tolist())
        place += size
    get = head["names"].__getitem__
    return Columns(
        lists[0],
        lists[1],
        lists[2],
        lists[3],
        lists[4],
        list(map(get, lists[5])),
        list(map(get, lists[6])),
        {int(k): int(v) for k, v in head["seen"]},
    )


def _little(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values.byteswap()
    return values
