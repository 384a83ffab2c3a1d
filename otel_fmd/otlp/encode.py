"""Answers of the receiver: `google.rpc.Status` for every refusal, and the bytes of any answer."""

from __future__ import annotations

import math

from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.code_pb2 import (
    INVALID_ARGUMENT,
    RESOURCE_EXHAUSTED,
    UNAUTHENTICATED,
    UNAVAILABLE,
)
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from otel_fmd.otlp.errors import (
    BadDataError,
    OtlpError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
)


def status(code: int, message: str) -> Status:
    """A `google.rpc.Status` without details."""
    return Status(code=code, message=message)


def status_for(error: OtlpError) -> Status:
    """The status of a refusal, with `BadRequest` or `RetryInfo` details where they belong."""
    result = Status(code=INVALID_ARGUMENT, message=str(error))
    if isinstance(error, BadDataError):
        violation = BadRequest.FieldViolation(field=error.field, description=str(error))
        result.details.add().Pack(BadRequest(field_violations=[violation]))
    elif isinstance(error, TooLargeError):
        # Without `RetryInfo`: not to be sent again.
        result.code = RESOURCE_EXHAUSTED
    elif isinstance(error, UnauthenticatedError):
        result.code = UNAUTHENTICATED
    elif isinstance(error, RetryableError):
        result.code = RESOURCE_EXHAUSTED if error.overload else UNAVAILABLE
        seconds = math.floor(error.retry_after_s)
        nanos = int((error.retry_after_s - seconds) * 1e9)
        delay = Duration(seconds=seconds, nanos=nanos)
        result.details.add().Pack(RetryInfo(retry_delay=delay))
    return result


def encode(message: Message, *, as_json: bool) -> bytes:
    """The bytes of an answer in the encoding of its request."""
    if as_json:
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()
