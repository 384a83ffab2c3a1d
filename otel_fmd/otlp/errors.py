"""What the wire can refuse, and how a client is to understand it."""

from __future__ import annotations

import traceback


class OtlpError(Exception):
    """A request that is refused; `str()` is the message for the developer at the other end."""


class BadDataError(OtlpError):
    """The body cannot be decoded; the client must not retry.

    Args:
        message: what is wrong.
        field: where, as `BadRequest.FieldViolation.field`.
    """

    def __init__(self, message: str, field: str = "body") -> None:
        super().__init__(message)
        self.field = field


class UnusableError(ValueError):
    """A part of the body that is JSON and cannot be used; what comes after it can be read."""


class TooLargeError(OtlpError):
    """The body is over the limit, before or after decompression."""


class UnsupportedEncodingError(OtlpError):
    """A content coding other than gzip and identity."""


class UnauthenticatedError(OtlpError):
    """The required bearer token was not sent."""


class RetryableError(OtlpError):
    """Not taken now; the client is to try again after `retry_after_s` seconds.

    Args:
        overload: True when too much is waiting (429), False when the store is down (503).
    """

    def __init__(self, message: str, *, retry_after_s: float, overload: bool) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.overload = overload


def release_frames(error: BaseException) -> None:
    """Release everything that an error's traceback keeps alive.

    A traceback holds every frame that the error passed through, and with them request bodies and
    what was decoded from them, until the client has its response.
    """
    reached: BaseException | None = error
    while reached is not None:
        traceback.clear_frames(reached.__traceback__)
        reached.__traceback__ = None
        reached.__cause__, reached.__context__, reached = None, None, reached.__context__
