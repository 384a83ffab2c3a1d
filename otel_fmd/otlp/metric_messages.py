"""The parts of OTLP's messages that metrics need, as messages of our own; see `messages`.

Source: https://github.com/open-telemetry/opentelemetry-proto, `metrics/v1/metrics.proto`
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "otel_fmd.otlp.metrics"
_KINDS = {
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "fixed64": _Field.TYPE_FIXED64,
    "sfixed64": _Field.TYPE_SFIXED64,
    "sint32": _Field.TYPE_SINT32,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}
_POINT = "start_time_unix_nano:2:fixed64 time_unix_nano:3:fixed64 "
_MESSAGES = {
    "Number": _POINT + "as_double:4:double exemplars:5:bytes* as_int:6:sfixed64 "
    "attributes:7:bytes* flags:8:uint32",
    "Histogram": _POINT + "count:4:fixed64 sum:5:double bucket_counts:6:fixed64* "
    "explicit_bounds:7:double* exemplars:8:bytes* attributes:9:bytes* flags:10:uint32 "
    "min:11:double max:12:double",
    "Buckets": "offset:1:sint32 bucket_counts:2:uint64*",
    "Exponential": "attributes:1:bytes* " + _POINT + "count:4:fixed64 sum:5:double scale:6:sint32 "
    "zero_count:7:fixed64 positive:8:bytes negative:9:bytes flags:10:uint32 exemplars:11:bytes* "
    "min:12:double max:13:double",
    "Quantile": "quantile:1:double value:2:double",
    "Summary": _POINT + "count:4:fixed64 sum:5:double quantile_values:6:bytes* "
    "attributes:7:bytes* flags:8:uint32",
    "Exemplar": "time_unix_nano:2:fixed64 as_double:3:double span_id:4:bytes trace_id:5:bytes "
    "as_int:6:sfixed64",
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="otel_fmd/otlp_metrics.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, described in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for one in described.split():
            field, number, kind = one.split(":")
            label = _Field.LABEL_REPEATED if kind.endswith("*") else _Field.LABEL_OPTIONAL
            made = message.field.add(name=field, number=int(number), label=label)
            made.type = _KINDS[kind.rstrip("*")]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_made = _classes()
Number, Histogram = _made["Number"], _made["Histogram"]
Buckets, Exponential = _made["Buckets"], _made["Exponential"]
Quantile, Summary, Exemplar = _made["Quantile"], _made["Summary"], _made["Exemplar"]
