"""Which exceptions are the same bug: by type, the app's own code, and what caused them."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from otel_fmd.analysis.exceptions import names
from otel_fmd.analysis.exceptions.message import constraint_of, template_of, whole_of
from otel_fmd.analysis.exceptions.places import Place, place_of
from otel_fmd.analysis.exceptions.trace import Frame, Raised, StackTrace

_VERSION = "1"
"""Changes with the rules: groups of another version are others."""
Key = tuple[object, ...]


class Group(NamedTuple):
    """A group of exceptions.

    Attributes:
        fingerprint: 64 hexadecimal digits; equal for the same bug.
        title: the type, short: `ValueError`.
        culprit: where: `shop/orders.py in checkout`; "" without frames.
        template: the message, with `<int>`, `<str>` and the like for what varies.
    """

    fingerprint: str
    title: str
    culprit: str
    template: str


def group_of(trace: StackTrace) -> Group:
    """The group that an exception belongs to. The rules are in `docs/exceptions-grouping.md`."""
    chain = _Chain(trace)
    top = trace.raised[0]
    digest = sha256(repr((_VERSION, trace.language, chain.key(0))).encode("utf-8", "replace"))
    return Group(
        digest.hexdigest(),
        names.type_shown(top.type, trace.language) or "Exception",
        chain.culprit(),
        template_of(top.message),
    )


class _Chain:
    """The exceptions of a trace, and what each of them adds to the key."""

    def __init__(self, trace: StackTrace) -> None:
        self.trace = trace
        self.places = [place_of(one, trace.language) for one in trace.raised]
        self.related: list[list[int]] = [[] for _ in trace.raised]
        for index, one in enumerate(trace.raised):
            if 0 <= one.parent < index:
                self.related[one.parent].append(index)

    def key(self, top: int) -> Key:
        """Of an exception and its causes: each once, however often it was raised again."""
        return (*dict.fromkeys(self._parts(top)), *self._constraints(top))

    def culprit(self) -> str:
        """Where, for a person: the first place of the chain that is the app's own."""
        language = self.trace.language
        for place in self.places:
            if place.frame:
                return _shown(place.frame, place.function[-1], language)
        innermost = (one.frames[-1] for one in self.trace.raised if one.frames)
        frame = next(innermost, None)
        if frame is None:
            return ""
        return _shown(frame, names.function_key(frame.function, language, frame.module), language)

    def _parts(self, index: int) -> Iterator[Key]:
        waiting = [index]
        while waiting:
            at = waiting.pop(0)
            raised, place = self.trace.raised[at], self.places[at]
            members = [
                one for one in self.related[at] if self.trace.raised[one].relation == "member"
            ]
            kind = names.type_key(raised.type, self.trace.language)
            if members:
                yield kind, *sorted({repr(key) for one in members for key in self._leaves(one)})
            elif place.frame:
                yield kind, *place.function, *self._statement(at)
            elif at == index:
                yield kind, *(place.function or (whole_of(raised.message),))
            else:
                # A cause in a library: its frames and messages change with the library.
                yield (kind,)
            waiting += [one for one in self.related[at] if self._counts(at, one)]

    def _constraints(self, top: int) -> list[tuple[str]]:
        """What a database complains about; drivers say it in a cause, or again in a wrapper."""
        found: set[str] = set()
        waiting = [top]
        while waiting:
            at = waiting.pop()
            found.add(constraint_of(self.trace.raised[at].message))
            waiting += [
                one for one in self.related[at] if self.trace.raised[one].relation == "cause"
            ]
        return [(one,) for one in sorted(found - {""})]

    def _statement(self, index: int) -> tuple[str, ...]:
        """Of an exception; that of a wrapper in a library is less than what it wraps."""
        place = self.places[index]
        if place.is_of_app or (place.frame and place.frame.code):
            return place.statement
        causes = [one for one in self.related[index] if self.trace.raised[one].relation == "cause"]
        return () if any(self.places[one].frame for one in causes) else place.statement

    def _leaves(self, index: int) -> Iterator[Key]:
        """The keys of a member of a group, or of those of a group within it."""
        members = [
            one for one in self.related[index] if self.trace.raised[one].relation == "member"
        ]
        if not members:
            yield self.key(index)
        for one in members:
            yield from self._leaves(one)

    def _counts(self, outer: int, inner: int) -> bool:
        """Whether an exception explains the one that it belongs to."""
        raised = self.trace.raised[inner]
        language = self.trace.language
        is_automatic = raised.relation == "context" or language == "ruby"
        if not is_automatic:
            # What libraries wrap for each other says where they failed, not what the app did.
            matters = self.places[outer].is_of_app or self._has_own(inner)
            return raised.relation == "cause" and matters
        # Raised on purpose by the function that handled the other: meant as its cause. Anything
        # else is a bug of the handler, whatever was being handled.
        handlers = {
            (frame.file, names.function_key(frame.function, language))
            for frame in _innermost(self.trace.raised[outer], self.places[outer])
            if frame.code.startswith("raise") or not frame.code
        }
        return any(
            (frame.file, names.function_key(frame.function, language)) in handlers
            for frame in raised.frames
        )

    def _has_own(self, index: int) -> bool:
        """Whether an exception or one of its causes has a frame of the app's own."""
        waiting = [index]
        while waiting:
            at = waiting.pop()
            if self.places[at].frame:
                return True
            waiting += self.related[at]
        return False


def _innermost(raised: Raised, place: Place) -> Iterator[Frame]:
    if place.frame:
        yield place.frame
    last = next((one for one in reversed(raised.frames) if one.in_app), None)
    if last:
        yield last


def _shown(frame: Frame, function: str, language: str) -> str:
    where = names.module_key(frame.module, language) or names.file_shown(frame.file)
    return f"{where} in {function}" if function and where else where or function
