"""The state of a series, as bytes: the times of its last points, and its streams."""

from __future__ import annotations

from struct import Struct

from otel_fmd.analysis.columns import ColumnReader, pack_whole
from otel_fmd.analysis.point_rows import pack_buckets, unpack_buckets
from otel_fmd.analysis.point_state import SeriesState, Stream

_HEAD = Struct("<BBB")
_STREAM = Struct("<qqdq")


def pack_state(state: SeriesState) -> bytes:
    """A state as bytes."""
    streams = sorted(state.streams.items())
    parts = [_HEAD.pack(1, len(state.times_ns), len(streams))]
    if state.times_ns:
        first, *rest = state.times_ns
        steps = [after - before for before, after in zip([first, *rest], rest, strict=False)]
        parts.append(first.to_bytes(8, "little", signed=True))
        if steps:
            parts.append(pack_whole(steps))
    for start_ns, one in streams:
        parts.append(_STREAM.pack(start_ns, one.time_ns, one.value, one.number))
        parts.append(b"\x01" + pack_buckets([one.buckets]) if one.buckets is not None else b"\x00")
    return b"".join(parts)


def unpack_state(packed: bytes) -> SeriesState:
    """A state from its bytes."""
    packed = bytes(packed)
    _, times, streams = _HEAD.unpack_from(packed)
    reader = ColumnReader(packed, _HEAD.size)
    state = SeriesState()
    if times:
        at_ns = int.from_bytes(reader.take(8), "little", signed=True)
        state.times_ns.append(at_ns)
        for step in reader.whole(times - 1) if times > 1 else ():
            at_ns += step
            state.times_ns.append(at_ns)
    for _ in range(streams):
        start_ns, time_ns, value, number = _STREAM.unpack(reader.take(_STREAM.size))
        has_buckets = reader.take(1) == b"\x01"
        buckets = unpack_buckets(reader, 1)[0] if has_buckets else None
        state.streams[start_ns] = Stream(time_ns, value, number, buckets)
    return state
