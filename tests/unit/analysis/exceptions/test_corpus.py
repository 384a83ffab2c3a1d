"""How well exceptions are grouped, by labelled stack traces that were made for it."""

from __future__ import annotations

from functools import cache

import pytest

from otel_fmd.analysis.exceptions.grouping import group_of
from otel_fmd.analysis.exceptions.parse import parse
from otel_fmd.analysis.exceptions.trace import StackTrace
from tests.support.grouping import PARTS, Labelled, by_language, corpus, score

LEAST = 0.97
LANGUAGES = frozenset(["python", "java", "nodejs", "go", "ruby", "php", "dotnet", "rust"])


@cache
def parsed(trace: Labelled) -> StackTrace:
    """A trace of the corpus, as a span or a log record would bring it."""
    return parse(trace.text, type=trace.type, message=trace.message, language=trace.language)


def fingerprint(trace: Labelled) -> str:
    """Its group."""
    return group_of(parsed(trace)).fingerprint


@pytest.mark.parametrize("part", PARTS)
def test_what_is_the_same_bug_is_one_group_and_nothing_else_is(part: str) -> None:
    """Over all pairs of traces, and within each language."""
    traces = corpus(part)
    results = {"all": score(traces, fingerprint)}
    for language, own in by_language(traces).items():
        results[language] = score(own, fingerprint)
    for language, found in results.items():
        print(f"{part} {language}: precision {found.precision:.4f}, recall {found.recall:.4f}")
    for language, found in results.items():
        assert found.precision >= LEAST, language
        assert found.recall >= LEAST, language


def test_the_corpus_is_large_and_has_every_language() -> None:
    """Else the figures above would mean little."""
    traces = [one for part in PARTS for one in corpus(part)]
    assert len(traces) >= 500
    assert {one.language for one in traces} >= LANGUAGES
    assert len({one.bug for one in traces}) >= 150
    labelled = score(traces, fingerprint).labelled
    assert labelled >= 500, "pairs that belong together"


@pytest.mark.parametrize(
    "trace",
    [one for part in PARTS for one in corpus(part)],
    ids=lambda one: f"{one.bug[0]}-{one.bug[1]}",
)
def test_every_trace_is_parsed_completely(trace: Labelled) -> None:
    """In its own language, with frames, whether its sender names the language or not."""
    found = parsed(trace)
    if not trace.text or trace.language not in LANGUAGES | {"webjs"}:
        return
    assert found.text == "", "not all of it was understood"
    unnamed = parse(trace.text, type=trace.type, message=trace.message)
    if any(one.frames for one in found.raised):
        assert unnamed == found
    assert found.raised[0].type == trace.type or not trace.type
