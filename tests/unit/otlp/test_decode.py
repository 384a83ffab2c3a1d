"""What a body becomes: one bad span costs no other, and nothing is made of what costs too much."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.spans_json import decode_json
from otel_fmd.otlp.spans_protobuf import DecodedSpans, decode_protobuf
from otel_fmd.requests.translator import Translator
from otel_fmd.signals.record import SpanKind
from tests.support.spans import Spans, attribute, body, payload

MARK = "REPLACED"
INVALID = b"\xff\xfe\xe2\x28" + b"\xc3" * 4


def names(decoded: DecodedSpans) -> list[str]:
    """Their names, in order."""
    return [span.name for span in decoded.spans]


def spoiled(request: ExportTraceServiceRequest) -> bytes:
    """The request with bytes that are not UTF-8 where `MARK` stands."""
    data = request.SerializeToString()
    assert MARK.encode() in data
    return data.replace(MARK.encode(), INVALID)


def test_text_that_is_not_utf8_costs_nobody_a_span() -> None:
    """Whatever text it is: it is replaced, and every span of the body is there."""
    made = Spans(1)
    spans = [made.span(), made.span(kind=3), made.span(name=MARK), made.span()]
    spans[0].attributes.append(attribute("user.id", MARK))
    spans[0].attributes.append(attribute(MARK, 1))
    spans[0].attributes.add(key="list").value.array_value.values.add(string_value=MARK)
    spans[1].attributes.append(attribute("url.path", MARK))
    spans[3].events.add(name=MARK).attributes.append(attribute("exception.message", MARK))
    spans[3].status.message = MARK
    spans[3].trace_state = MARK
    request = payload(spans)
    request.resource_spans[0].resource.attributes.append(attribute("host.name", MARK))
    request.resource_spans[0].scope_spans[0].scope.name = MARK
    decoded = decode_protobuf(spoiled(request))
    replaced = INVALID.decode("utf-8", "replace")
    assert (names(decoded), decoded.rejected) == (["GET", "GET", replaced, "GET"], 0)
    first, _, _, last = decoded.spans
    assert Translator().request(first).group_by == replaced
    everything = first.source.attributes(first.raw, None)
    assert (everything[replaced], everything["list"]) == (1, [replaced])
    assert first.resource.attributes["host.name"] == replaced
    (event,) = last.source.events(last.raw)
    assert (event.name, event.attributes) == (replaced, {"exception.message": replaced})


def test_a_span_that_is_no_message_is_rejected_alone() -> None:
    """Its neighbours are stored; the answer says how many were not, and why."""
    data = body([Spans(1).span(), Spans(2).span(name="BROKENSPAN"), Spans(3).span()])
    # The name's length reaches behind the span's end.
    broken = data.replace(b"\x0aBROKENSPAN", b"\x7fBROKENSPAN")
    decoded = decode_protobuf(broken)
    assert (names(decoded), decoded.rejected) == (["GET", "GET"], 1)
    assert decoded.reason


def test_an_attribute_that_is_no_message_costs_no_other() -> None:
    """The others of its span are read."""
    span = Spans(1).span()
    span.attributes.append(attribute("broken", "VALUE"))
    data = body([span]).replace(b"\x0a\x05VALUE", b"\x0f\x05VALUE")
    (decoded,) = decode_protobuf(data).spans
    assert Translator().request(decoded).endpoint == "GET /items/<int:i>"


def test_lists_and_maps_are_read() -> None:
    """Values within values."""
    span = Spans(1).span()
    added = span.attributes.add(key="nested").value.kvlist_value.values.add(key="inner")
    added.value.array_value.values.add(int_value=3)
    added.value.array_value.values.add(double_value=0.5)
    (decoded,) = decode_protobuf(body([span])).spans
    found = decoded.source.attributes(decoded.raw, frozenset(["nested"]))
    assert found == {"nested": {"inner": [3, 0.5]}}


def document(change: Any = None) -> dict[str, Any]:
    """A JSON request of three spans, the second changed."""
    spans = []
    for number in range(3):
        span = {
            "traceId": f"{number + 1:032x}",
            "spanId": f"{number + 1:016X}",
            "name": f"span {number}",
            "kind": 2,
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": 1700000000010000000,
            "attributes": [
                {"key": "http.request.method", "value": {"stringValue": "GÉT"}},
                {"key": "http.response.status_code", "value": {"intValue": "200"}},
            ],
            "somethingNew": {"a": [1, 2]},
        }
        spans.append(span)
    if change is not None:
        change(spans[1])
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}], "resource": {}}]}


def with_value(**value: Any) -> Any:
    """A change that adds an attribute of this value."""
    return lambda span: span["attributes"].append({"key": "added", "value": value})


@pytest.mark.parametrize(
    "change",
    [
        with_value(intValue="4.5"),
        with_value(intValue=2**63),
        with_value(intValue=True),
        with_value(stringValue=5),
        with_value(stringValue="half \ud83d"),
        with_value(boolValue="true"),
        with_value(doubleValue="many"),
        with_value(arrayValue={"values": [{"intValue": "x"}]}),
        with_value(kvlistValue={"values": [{"key": 1}]}),
        lambda span: span["attributes"].append(None),
        lambda span: span.update(attributes={}),
        lambda span: span.update(events=[None]),
        lambda span: span.update(events=[{"attributes": [{"key": "a", "value": 1}]}]),
        lambda span: span.update(startTimeUnixNano="1_700_000_000_000_000_000"),
        lambda span: span.update(startTimeUnixNano=True),
        lambda span: span.update(endTimeUnixNano=" 1700000000000000000"),
        lambda span: span.update(endTimeUnixNano=2**64),
        lambda span: span.update(traceId=7),
        lambda span: span.update(spanId="zz"),
        lambda span: span.update(name=["x"]),
        lambda span: span.update(status="failed"),
        lambda span: span.update(kind=2.5),
        lambda span: span.update(flags=-1),
        lambda span: span.update(more="DEEP"),
        lambda span: span.update(more=["a,"] * 70_000),
        lambda span: span.update(name="x", more="DIGITS"),
        lambda span: span.update(name=MARK, more=[{'key"}\\': "[{"}, "DIGITS", "\u1234"]),
    ],
)
def test_what_json_cannot_say_rejects_its_span_alone(change: Any) -> None:
    """The spans beside it are there, and the reason names the span."""
    decoded = decode_json(written(document(change)).encode().replace(MARK.encode(), INVALID))
    assert (names(decoded), decoded.rejected) == (["span 0", "span 2"], 1)
    assert "span" in decoded.reason


def written(tree: Any) -> str:
    """A document in JSON, with what Python would not write in place of its names."""
    text = json.dumps(tree).replace('"DIGITS"', "9" * 5_000)
    return text.replace('"DEEP"', "[" * 5_000 + "]" * 5_000)


def test_what_nobody_reads_costs_nothing() -> None:
    """Members that no version knows, whatever they hold, and what comes behind them."""
    tree = document()
    unread = {"number": "DIGITS", "deep": "DEEP", "many": [0] * 70_000, "text": '}\\"{'}
    for holder in (tree, tree["resourceSpans"][0], tree["resourceSpans"][0]["scopeSpans"][0]):
        copy = dict(holder)
        holder.clear()
        holder.update(unread | copy | {"last": "DIGITS"})
    decoded = decode_json(written(tree).encode())
    assert (len(decoded.spans), decoded.rejected, decoded.reason) == (3, 0, "")


@pytest.mark.parametrize(
    "resource",
    [
        {"attributes": 5},
        {"attributes": "DEEP"},
        {"attributes": ["DIGITS"]},
        5,
        "DIGITS",
        [],
    ],
)
def test_a_resource_that_cannot_be_read_costs_no_span(resource: Any) -> None:
    """The client is told; the spans are there."""
    tree = document()
    tree["resourceSpans"][0]["resource"] = resource
    decoded = decode_json(written(tree).encode())
    assert (len(decoded.spans), decoded.rejected) == (3, 0)
    assert "resource" in decoded.reason


def test_an_attribute_of_a_resource_that_cannot_be_read_costs_no_other() -> None:
    """Nor a span; in JSON and in protobuf."""
    tree = document()
    name = {"key": "service.name", "value": {"stringValue": "shop"}}
    for bad in ({"intValue": "4.5"}, {"stringValue": 5}, 7):
        tree["resourceSpans"][0]["resource"] = {"attributes": [{"key": "x", "value": bad}, name]}
        decoded = decode_json(json.dumps(tree).encode())
        assert (len(decoded.spans), decoded.rejected) == (3, 0)
        assert Translator().request(decoded.spans[0]).service == "shop"
        assert "resource" in decoded.reason
    request = payload([Spans(1).span()])
    pairs = request.resource_spans[0].resource.attributes
    pairs.insert(0, attribute("broken", "VALUE"))
    data = request.SerializeToString().replace(b"\x0a\x05VALUE", b"\x0f\x05VALUE")
    found = decode_protobuf(data)
    assert Translator().request(found.spans[0]).service == "shop"
    assert (found.rejected, "resource" in found.reason) == (0, True)


def test_json_says_what_protobuf_says() -> None:
    """The same spans, whichever way they come; what is not ASCII and what is escaped alike."""
    made = Spans(1)
    spans = [made.span({"user.id": "Zoë 😀", "n": 5, "f": 0.5, "b": True}), made.span()]
    spans[0].events.add(name="exception", time_unix_nano=5)
    spans[1].status.code = 2
    request = payload(spans)
    tree = json_format.MessageToDict(request, use_integers_for_enums=True)
    for span, tree_span in zip(
        spans, tree["resourceSpans"][0]["scopeSpans"][0]["spans"], strict=True
    ):
        tree_span |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
    expected = decode_protobuf(request.SerializeToString())
    for escaped in (True, False):
        found = decode_json(json.dumps(tree, ensure_ascii=escaped).encode())
        assert found.rejected == 0
        assert [s[:10] for s in found.spans] == [s[:10] for s in expected.spans]
        for one, other in zip(found.spans, expected.spans, strict=True):
            assert one.resource == other.resource
            assert one.source.attributes(one.raw, None) == other.source.attributes(other.raw, None)
            assert list(one.source.events(one.raw)) == list(other.source.events(other.raw))


def test_bytes_that_are_not_utf8_in_json_are_replaced() -> None:
    """As in protobuf."""
    tree = document(lambda span: span.update(name=MARK))
    decoded = decode_json(json.dumps(tree).encode().replace(MARK.encode(), INVALID))
    assert names(decoded) == ["span 0", INVALID.decode("utf-8", "replace"), "span 2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"resourceSpans": [',
        '{"resourceSpans": {}}',
        '{"resourceSpans": []} {}',
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{]}]}]}',
        '{"a": ' + "[" * 50_000,
    ],
)
def test_what_is_no_document_is_bad_data(text: str) -> None:
    """It is never retried."""
    with pytest.raises(BadDataError):
        decode_json(text.encode())


@pytest.mark.parametrize("bad", [None, 5, "x", [], True])
def test_a_part_of_the_wrong_kind_costs_no_other(bad: Any) -> None:
    """At every level above the spans; the client is told."""
    for place in range(4):
        tree = document()
        good = len(decode_json(json.dumps(tree).encode()).spans)
        parts: list[Any] = [bad, {"scopeSpans": bad}, {"scopeSpans": [bad]}]
        parts.append({"scopeSpans": [{"spans": bad, "scope": bad}], "resource": bad})
        tree["resourceSpans"].insert(0, parts[place])
        decoded = decode_json(json.dumps(tree).encode())
        assert len(decoded.spans) == good > 0
        is_empty = place in (1, 3) and bad in (None, [])
        assert bool(decoded.reason) is not is_empty or place == 3, (place, bad)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "SPAN_KIND_SERVER"}, "kind: enums are integers in OTLP/JSON; got"),
        ({"status": {"code": "STATUS_CODE_ERROR"}}, "status.code: enums are integers"),
    ],
)
def test_an_enum_as_text_rejects_its_span_alone(change: Any, words: str) -> None:
    """OTLP/JSON has integers only."""
    decoded = decode_json(json.dumps(document(lambda span: span.update(change))).encode())
    assert (len(decoded.spans), decoded.rejected) == (2, 1)
    assert words in decoded.reason


def nested(*tags: int, inner: bytes) -> bytes:
    """Messages around `inner`."""
    for tag in reversed(tags):
        length, head = len(inner), bytearray([tag])
        while length > 127:
            head.append(length & 127 | 128)
            length >>= 7
        inner = bytes([*head, length]) + inner
    return inner


MIB = 1024 * 1024
HEAD = (
    b"\x0a\x10"
    + b"\x01" * 16
    + b"\x12\x08"
    + b"\x02" * 8
    + b"\x39"
    + b"\x01" * 8
    + b"\x41"
    + b"\x02" * 8
)


def stored(data: bytes) -> list[str]:
    """The spans that a body yields, none where it is refused."""
    try:
        return names(decode_protobuf(data))
    except (TooLargeError, BadDataError):
        return []


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\x00" * (4 * MIB),
        b"\x08\x00" * (4 * MIB),
        nested(0x0A, inner=b"\x12\x00" * (4 * MIB)),
        nested(0x0A, 0x12, inner=b"\x12\x00" * (4 * MIB)),
        nested(0x0A, 0x12, inner=b"\x12\x80\x00" * (4 * MIB)),
        nested(0x0A, 0x0A, inner=b"\x0a\x00" * (4 * MIB)),
        nested(0x0A, 0x12, 0x12, inner=HEAD + b"\x30\x02" + b"\x5a\x00" * (4 * MIB)),
        nested(0x0A, 0x12, 0x12, inner=HEAD + b"\x30\x02" + b"\x4a\x00" * (4 * MIB)),
        nested(0x0A, 0x12, 0x12, inner=HEAD + b"\x30\x02" + b"\x18\x00" * (4 * MIB)),
        nested(0x0A, 0x12, 0x12, 0x4A, 0x12, 0x2A, inner=b"\x0a\x00" * (4 * MIB)),
    ],
    ids=[
        "resources",
        "numbers",
        "scopes",
        "spans",
        "long lengths",
        "attributes of a resource",
        "events",
        "attributes",
        "fields of a span",
        "values of a list",
    ],
)
def test_millions_of_empty_messages_are_not_made(data: bytes) -> None:
    """Eight million bytes that would be a gigabyte of objects are refused before there is one."""
    tracemalloc.start()
    try:
        assert not stored(data)
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceSpans":[' + "{}," * MIB + "{}]}",
        '{"resourceSpans":[{"scopeSpans":[' + "{}," * MIB + "{}]}]}",
        '{"resourceSpans":[{"scopeSpans":[{"spans":[' + "{}," * MIB + "{}]}]}]}",
        '{"other":[' + '{"":0},' * MIB + "{}]}",
        '{"resourceSpans":[{"resource":{"attributes":[' + "[]," * MIB + "[]]}}]}",
        '{"resourceSpans":[{"scopeSpans":[{"spans":[[' + "{}," * MIB + "{}]]}]}]}",
    ],
)
def test_a_million_empty_objects_are_not_made(text: str) -> None:
    """Nor in JSON."""
    data = text.encode()
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            decode_json(data)
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB + 2 * len(data)
    finally:
        tracemalloc.stop()


def test_of_a_huge_span_the_first_attributes_and_events_are_read() -> None:
    """It is stored all the same."""
    span = Spans(1).span()
    for number in range(20_000):
        span.attributes.append(attribute(f"more {number}", "text"))
        span.events.add(name="exception", time_unix_nano=number)
    (decoded,) = decode_protobuf(body([span])).spans
    assert decoded.kind == SpanKind.SERVER
    assert Translator().request(decoded).endpoint == "GET /items/<int:i>"
    assert len(decoded.source.attributes(decoded.raw, None)) == 4_096
    assert len(list(decoded.source.events(decoded.raw))) == 1_000
