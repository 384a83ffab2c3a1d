"""The parts of OTLP's messages that a request needs, as messages of our own.

They read the same bytes as `opentelemetry.proto`'s, with three differences:

* proto2: a string that is not UTF-8 is read as bytes and affects no other data (proto3 refuses the
  whole body), and valid ones as `str`, as before;
* fields that are rarely read stay encoded (`bytes`): a message in memory takes up to fifty times
  its bytes on the wire, so nothing is decoded unless it is needed;
* the attributes of a span are a map, which on the wire is the same as `repeated KeyValue`: one is
  found in C, without a Python object for each of the others.

Source: https://protobuf.dev/programming-guides/proto3/#backwards and
https://github.com/open-telemetry/opentelemetry-proto
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "otel_fmd.otlp"
_STRING, _BYTES, _MESSAGE = _Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_MESSAGE
_IDS = (
    ("trace_id", 1, _BYTES),
    ("span_id", 2, _BYTES),
    ("parent_span_id", 4, _BYTES),
    ("name", 5, _STRING),
    ("kind", 6, _Field.TYPE_INT32),
    ("start_time_unix_nano", 7, _Field.TYPE_FIXED64),
    ("end_time_unix_nano", 8, _Field.TYPE_FIXED64),
    ("status", 15, _BYTES),
    ("flags", 16, _Field.TYPE_FIXED32),
)
_LOG = (
    ("time_unix_nano", 1, _Field.TYPE_FIXED64),
    ("severity_number", 2, _Field.TYPE_INT32),
    ("severity_text", 3, _STRING),
    ("body", 5, _BYTES),
    ("flags", 8, _Field.TYPE_FIXED32),
    ("trace_id", 9, _BYTES),
    ("span_id", 10, _BYTES),
    ("observed_time_unix_nano", 11, _Field.TYPE_FIXED64),
    ("event_name", 12, _STRING),
)
_VALUES = (
    ("string_value", 1, _STRING),
    ("bool_value", 2, _Field.TYPE_BOOL),
    ("int_value", 3, _Field.TYPE_INT64),
    ("double_value", 4, _Field.TYPE_DOUBLE),
    ("array_value", 5, _BYTES),
    ("kvlist_value", 6, _BYTES),
    ("bytes_value", 7, _BYTES),
)


def _add(
    message: descriptor_pb2.DescriptorProto,
    name: str,
    number: int,
    kind: Any,
    type_name: str = "",
    repeated: bool = False,
) -> None:
    label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, type=kind, label=label)
    if type_name:
        field.type_name = f".{_PACKAGE}.{type_name}"


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="otel_fmd/otlp.proto", package=_PACKAGE, syntax="proto2"
    )
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    for name, number, kind in _VALUES:
        _add(value, name, number, kind)
        value.field[-1].oneof_index = 0
    pair = file.message_type.add(name="Pair")
    head = file.message_type.add(name="SpanHead")
    for name, number, kind in _IDS:
        _add(head, name, number, kind)
    _add(head, "events", 11, _BYTES, repeated=True)
    attributes = file.message_type.add(name="SpanAttributes")
    entry = attributes.nested_type.add(name="AttributesEntry")
    entry.options.map_entry = True
    for message in (pair, entry):
        _add(message, "key", 1, _STRING)
        _add(message, "value", 2, _MESSAGE, "Value")
    _add(attributes, "attributes", 9, _MESSAGE, "SpanAttributes.AttributesEntry", repeated=True)
    event = file.message_type.add(name="Event")
    _add(event, "time_unix_nano", 1, _Field.TYPE_FIXED64)
    _add(event, "name", 2, _STRING)
    _add(event, "attributes", 3, _BYTES, repeated=True)
    _add(file.message_type.add(name="Status"), "code", 3, _Field.TYPE_INT32)
    log = file.message_type.add(name="LogHead")
    for name, number, kind in _LOG:
        _add(log, name, number, kind)
    _add(log, "attributes", 6, _BYTES, repeated=True)
    return file


def _classes(*names: str) -> list[Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_describe())
    found = [pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in names]
    return [message_factory.GetMessageClass(one) for one in found]


Value, Pair, SpanHead, SpanAttributes, Event, Status, LogHead = _classes(
    "Value", "Pair", "SpanHead", "SpanAttributes", "Event", "Status", "LogHead"
)
