"""How well exceptions are grouped, beside Sentry's documented rules and FMD's; and how fast.

Precision and recall over all pairs of traces of `tests/unit/analysis/exceptions/corpus`.

`python -m tests.benchmarks.grouping`
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from otel_fmd.analysis.exceptions import names
from otel_fmd.analysis.exceptions.grouping import group_of
from otel_fmd.analysis.exceptions.ownership import Owners, is_own
from otel_fmd.analysis.exceptions.parse import parse
from otel_fmd.analysis.exceptions.trace import Frame, StackTrace
from tests.benchmarks.report import Report
from tests.support.grouping import PARTS, Labelled, by_language, corpus, score

_LEAST = 0.97
_MOST_US = 150.0
_FRAMES = range(18, 24)
_ROUNDS = 300


def parsed(trace: Labelled) -> StackTrace:
    """A trace, as a span would bring it."""
    return parse(trace.text, type=trace.type, message=trace.message, language=trace.language)


def ours(trace: Labelled) -> object:
    """The group of otel-fmd."""
    return group_of(parsed(trace)).fingerprint


def of_fmd(trace: Labelled) -> object:
    """FMD 5.1's group: type, message, and the stack trace with its line numbers."""
    return trace.type, trace.message, trace.text


def of_sentry(trace: Labelled) -> object:
    """A group by the default rules that Sentry's documentation describes.

    "Grouping by stack trace": the frames of the application, each by its module or normalized file
    name and its normalized context line; every exception of a chain; all frames where none is the
    application's. "Grouping by exception": without frames, type and value. Written from
    https://docs.sentry.io/concepts/data-management/event-grouping/ alone. To its favour it takes
    our parser, our file names without roots and hashes, the function where there is no source
    line, the type, and which frames are libraries; decorators are frames like others.
    """
    found = parsed(trace)
    if not any(one.frames for one in found.raised):
        return trace.language, trace.type, trace.message
    return trace.language, tuple(
        (
            one.type,
            tuple(map(_of_frame, _of_app(one.frames, found.language))),
            "" if one.frames else one.message,
        )
        for one in found.raised
    )


def _with_callers(trace: Labelled) -> Labelled:
    """A trace labelled by its bug and by the application's functions that led to it.

    Who calls two routes to one failing statement two bugs, as whole stacks do, reads the recall of
    these labels.
    """
    found = parsed(trace)
    path = [
        f"{names.file_key(frame.file)} {names.function_key(frame.function, found.language)}"
        for one in found.raised
        for frame in one.frames
        if frame.in_app
    ]
    return replace(trace, bug=(*trace.bug, *dict.fromkeys(path)))


def of_the_innermost(trace: Labelled) -> object:
    """The same with the innermost frame of the application only.

    That is the coarsest level of Sentry's "Grouping Breakdown", as its documentation described it.
    """
    found = parsed(trace)
    if not any(one.frames for one in found.raised):
        return trace.language, trace.type, trace.message
    return trace.language, tuple(
        (one.type, tuple(map(_of_frame, _of_app(one.frames, found.language)[-1:])))
        for one in found.raised
    )


def _of_app(frames: tuple[Frame, ...], language: str) -> tuple[Frame, ...]:
    # A decorator is the application's code for Sentry; what a parser marked is a runtime's.
    own = tuple(
        one
        for one in frames
        if is_own(one.file, one.module, language, Owners()) and (one.in_app or one.code)
    )
    return own or frames


def _of_frame(frame: Frame) -> tuple[str, str]:
    where = frame.module or names.file_key(frame.file)
    return where, " ".join(frame.code.split()) or frame.function


RULES: dict[str, Callable[[Labelled], object]] = {
    "otel-fmd": ours,
    "Sentry's documented rules": of_sentry,
    "the same, innermost frame only": of_the_innermost,
    "FMD 5.1": of_fmd,
}


def quality(report: Report) -> None:
    """Each rule over each part of the corpus, and within each language over all parts."""
    parts = {part: corpus(part) for part in PARTS}
    everything = [one for traces in parts.values() for one in traces]
    parts |= {"all": everything, **by_language(everything)}
    for name, rule in RULES.items():
        for part, traces in parts.items():
            found = score(traces, rule)
            report.row(
                rule=name,
                over=part,
                traces=len(traces),
                bugs=len({one.bug for one in traces}),
                groups=len({rule(one) for one in traces}),
                precision=found.precision,
                recall=found.recall,
                recall_same_callers=score(map(_with_callers, traces), rule).recall,
            )
            if rule is ours and part != "unseen":
                report.at_least(f"precision, {part}", found.precision, _LEAST)
                report.at_least(f"recall, {part}", found.recall, _LEAST)


def speed(report: Report) -> None:
    """Parsing and grouping of Python's traces of about twenty frames, in microseconds."""
    traces = [
        one
        for one in corpus("develop")
        if one.language == "python" and one.text.count('  File "') in _FRAMES
    ]
    durations: list[float] = []
    for trace in traces:
        ours(trace)
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            ours(trace)
            durations.append((time.perf_counter() - began) * 1e6)
    middle = statistics.median(durations)
    report.row(frames="18 to 23", traces=len(traces), microseconds=middle)
    report.at_most("µs to parse and group a Python trace of 20 frames", middle, _MOST_US)


def main() -> None:
    """The table, and its musts."""
    report = Report("grouping")
    quality(report)
    speed(report)
    report.write()


if __name__ == "__main__":
    main()
