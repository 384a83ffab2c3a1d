"""Python's tracebacks, as its own traceback module prints them."""

from __future__ import annotations

import traceback

import pytest

from otel_fmd.analysis.exceptions.grouping import group_of
from otel_fmd.analysis.exceptions.parse import parse


def printed(error: BaseException) -> str:
    """What OpenTelemetry's `record_exception` sends."""
    return "".join(traceback.format_exception(error))


def price(name: str) -> int:
    """Raises, with a cause."""
    try:
        return {"tea": 3}[name]
    except KeyError as error:
        raise ValueError(f"no price for {name}") from error


def raised(name: str) -> ValueError:
    """The exception of `price`."""
    with pytest.raises(ValueError, match="no price") as caught:
        price(name)
    return caught.value


def test_the_reported_exception_comes_first_and_its_cause_belongs_to_it() -> None:
    """Python prints them the other way round."""
    found = parse(printed(raised("milk")))
    assert [(one.type, one.relation, one.parent) for one in found.raised] == [
        ("ValueError", "", -1),
        ("KeyError", "cause", 0),
    ]
    assert (found.language, found.text) == ("python", "")
    frame = found.raised[0].frames[-1]
    assert (frame.function, frame.in_app) == ("price", True)
    assert frame.code == 'raise ValueError(f"no price for {name}") from error'


def test_the_message_does_not_split_a_group() -> None:
    """It is another product, and the same bug."""
    groups = {group_of(parse(printed(raised(name)))) for name in ("milk", "bread")}
    assert len({one.fingerprint for one in groups}) == 1
    (first, *_) = groups
    assert first.title == "ValueError"
    assert first.culprit == "exceptions/test_python.py in price"


def test_members_of_a_group_belong_to_it() -> None:
    """At any depth, with notes."""
    inner = ExceptionGroup("inner", [OSError(3), TypeError("x")])
    inner.add_note("while loading")
    found = parse(printed(ExceptionGroup("outer", [raised("milk"), inner])))
    assert [(one.type, one.relation, one.parent) for one in found.raised] == [
        ("ExceptionGroup", "", -1),
        ("ValueError", "member", 0),
        ("KeyError", "cause", 1),
        ("ExceptionGroup", "member", 0),
        ("OSError", "member", 3),
        ("TypeError", "member", 3),
    ]
    assert found.raised[3].notes == ("while loading",)
    assert found.text == ""


def test_a_text_that_is_no_trace_is_kept() -> None:
    """With type and message from the span."""
    found = parse("something else\nhappened", type="Odd", message="happened")
    assert found.text == "something else\nhappened"
    assert [(one.type, one.message, one.frames) for one in found.raised] == [
        ("Odd", "happened", ())
    ]


def test_how_groups_are_nested_does_not_matter() -> None:
    """Only what is in them."""
    flat = ExceptionGroup("flat", [raised("milk"), OSError(3)])
    nested = ExceptionGroup("outer", [OSError(4), ExceptionGroup("inner", [raised("tea cake")])])
    texts = [printed(one) for one in (flat, nested)]
    assert len({group_of(parse(text)).fingerprint for text in texts}) == 1
