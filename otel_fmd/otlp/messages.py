"""OTLP's messages, with the attributes of a span as a map instead of a list.

On the wire a protobuf map is a repeated message of key (1) and value (2), which is what OTLP's
`repeated KeyValue` is, too. Read as a map, an attribute is found in C, without a Python object for
each of the others: half the cost of reading the seven that a request needs out of thirteen.
Source: https://protobuf.dev/programming-guides/proto3/#backwards
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

_FieldType = descriptor_pb2.FieldDescriptorProto
_ANY_VALUE = ".opentelemetry.proto.common.v1.AnyValue"
_REQUEST = "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest"


def _with_map(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Turn `Span.attributes` into `map<string, AnyValue>`."""
    span = next(message for message in file.message_type if message.name == "Span")
    entry = span.nested_type.add(name="AttributesEntry")
    entry.options.map_entry = True
    label = _FieldType.LABEL_OPTIONAL
    entry.field.add(name="key", number=1, label=label, type=_FieldType.TYPE_STRING)
    entry.field.add(
        name="value", number=2, label=label, type=_FieldType.TYPE_MESSAGE, type_name=_ANY_VALUE
    )
    field = next(one for one in span.field if one.name == "attributes")
    field.type_name = f".{file.package}.Span.AttributesEntry"


def _request_class() -> Any:
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2, trace_service_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        if module is trace_pb2:
            _with_map(file)
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(_REQUEST))


ExportRequest: Any = _request_class()
"""`ExportTraceServiceRequest`, the attributes of its spans as maps."""
