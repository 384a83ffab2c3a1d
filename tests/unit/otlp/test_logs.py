"""What a body of logs becomes: the same records from both encodings, bad ones rejected alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.log_values import RECORD_BYTES, DecodedLogs
from otel_fmd.otlp.logs_json import decode_json
from otel_fmd.otlp.logs_protobuf import decode_protobuf
from otel_fmd.signals.log_record import SEVERITIES, severity_name
from tests.support.logs import SPAN, START_NS, TRACE, log, logs_body


def as_json(request: ExportLogsServiceRequest) -> bytes:
    """As OTLP/JSON has it: ids in hex."""
    document = json_format.MessageToDict(request, use_integers_for_enums=True)
    for resource in document["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                for key in {"traceId", "spanId"} & record.keys():
                    record[key] = base64.b64decode(record[key]).hex()
    return json.dumps(document).encode()


def both(request: ExportLogsServiceRequest) -> list[DecodedLogs]:
    """Read from either encoding."""
    return [decode_protobuf(request.SerializeToString()), decode_json(as_json(request))]


def everything() -> ExportLogsServiceRequest:
    """Records of several shapes."""
    observed = log("late", at_ns=0)
    observed.observed_time_unix_nano = START_NS + 7
    return logs_body(
        log("hello", trace_id=TRACE, span_id=SPAN, user__id="ana", n=3),
        log({"what": "map", "n": {"deep": 1}}, severity=17, at_ns=START_NS + 1),
        log("", severity=13, event_name="exception", exception__type="ValueError"),
        log("failed", severity=17, exception__stacktrace="Traceback ..."),
        observed,
        log("unsampled", trace_id=TRACE, span_id=SPAN, sampled=False),
        log("strange", severity=99, trace_id=bytes(16), span_id=b"123"),
    )


def test_records_are_read_from_both_encodings() -> None:
    """With the same result; bodies and attributes when they are asked for."""
    for decoded in both(everything()):
        assert (len(decoded.found), decoded.rejected, decoded.reason) == (7, 0, "")
        first, second, event, failed, observed, unsampled, strange = decoded.found
        assert (first.time_ns, first.severity, first.scope) == (START_NS, 9, "shop.views")
        assert (first.trace_id, first.span_id, first.is_sampled) == (TRACE, SPAN, True)
        assert first.resource.attributes["service.name"] == "shop"
        assert first.body() == "hello"
        assert first.attributes() == {"user.id": "ana", "n": 3}
        assert first.attributes({"n", "m"}) == {"n": 3}
        assert first.attributes({"m"}) == {}
        assert second.body() == {"what": "map", "n": {"deep": 1}}
        assert [one.is_exception for one in decoded.found] == [
            False, False, True, True, False, False, False,
        ]  # fmt: skip
        assert event.event_name == "exception"
        assert failed.attributes({"exception.stacktrace"})
        assert observed.time_ns == START_NS + 7
        assert not unsampled.is_sampled
        assert (strange.severity, strange.trace_id, strange.span_id) == (0, b"", b"")


def test_a_record_without_a_time_is_rejected_alone() -> None:
    """The others are kept, and the answer says why."""
    for decoded in both(logs_body(log("a", at_ns=0), log("b"), log("c", at_ns=2**64 - 1))):
        assert [one.body() for one in decoded.found] == ["b"]
        assert decoded.rejected == 2
        assert decoded.reason.startswith("a log record: its time, or the time it was observed")


def test_too_many_records_cost_nothing() -> None:
    """They are refused before they take memory, in either encoding."""
    request = logs_body(*[log(str(n)) for n in range(3_000)])
    for decode, data in (
        (decode_protobuf, request.SerializeToString()),
        (decode_json, as_json(request)),
    ):
        grown: list[int] = []
        with pytest.raises(TooLargeError, match="more than 2000 log records"):
            decode(data, 2_000, grown.append)
        assert sum(grown) <= 2_100 * RECORD_BYTES


def test_text_that_is_not_utf8_costs_no_record() -> None:
    """It is replaced, wherever it is."""
    request = logs_body(log("MARK", MARK="MARK"), scope="MARK", host="MARK")
    data = request.SerializeToString().replace(b"MARK", b"\xff\xfe\xe2\x28")
    (record,) = decode_protobuf(data).found
    bad = "\ufffd\ufffd\ufffd("
    assert (record.body(), record.attributes(), record.scope) == (bad, {bad: bad}, bad)


def test_severities_have_names() -> None:
    """By ranges of numbers."""
    assert [severity_name(number) for number in (0, 1, 8, 9, 13, 16, 17, 24)] == [
        "", "TRACE", "DEBUG", "INFO", "WARN", "WARN", "ERROR", "FATAL",
    ]  # fmt: skip
    assert severity_name(SEVERITIES["ERROR"]) == "ERROR"


def read_all(decoded: DecodedLogs) -> None:
    """Everything that is decoded on demand."""
    for one in decoded.found:
        assert isinstance(one.attributes(), dict)
        one.body()
        assert one.is_exception in (True, False)
        assert 0 < one.time_ns < 2**63


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else is raised."""
    for decode in (decode_protobuf, decode_json):
        try:
            read_all(decode(data))
        except (BadDataError, TooLargeError):
            pass


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    """A body that is nearly right."""
    data = bytearray(everything().SerializeToString())
    for place, byte in changes:
        data[place % len(data)] = byte
    try:
        read_all(decode_protobuf(bytes(data)))
    except (BadDataError, TooLargeError):
        pass


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_PLACES = [
    *("logRecords", "scopeLogs", "resource", "scope", "name", "timeUnixNano", "severityNumber"),
    *("body", "attributes", "traceId", "spanId", "flags", "eventName", "stringValue"),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_PLACES), _ANY)
def test_any_value_in_any_place_of_json_is_read_or_refused(key: str, value: Any) -> None:
    """A record that cannot be read costs the others nothing."""
    document = json.loads(as_json(everything()))

    def put(holder: Any) -> None:
        if isinstance(holder, dict):
            if key in holder:
                holder[key] = value
            for inner in holder.values():
                put(inner)
        elif isinstance(holder, list):
            for inner in holder[:1]:
                put(inner)

    put(document)
    try:
        read_all(decode_json(json.dumps(document).encode()))
    except (BadDataError, TooLargeError):
        pass
