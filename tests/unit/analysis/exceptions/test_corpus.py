"""How well exceptions are grouped, by labelled stack traces that were made for it."""

from __future__ import annotations

from functools import cache

import pytest

from otel_fmd.analysis.exceptions.grouping import group_of
from otel_fmd.analysis.exceptions.parse import parse
from otel_fmd.analysis.exceptions.trace import StackTrace
from tests.support.grouping import CORPUS, PARTS, Labelled, by_language, corpus, score
from tests.support.requirements import ROOT

LEAST = 0.97
LEAST_UNSEEN = 0.95
"""Of the part that no rule was made for; see its README."""
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
    """Over all pairs of the traces of each part."""
    found = score(corpus(part), fingerprint)
    print(f"{part}: precision {found.precision:.4f}, recall {found.recall:.4f}")
    least = LEAST_UNSEEN if part == "unseen" else LEAST
    assert found.precision >= least
    assert found.recall >= least


def test_the_same_holds_over_all_parts() -> None:
    """Pairs of different parts, too: they are different bugs."""
    found = score([one for part in PARTS for one in corpus(part)], fingerprint)
    print(f"all: precision {found.precision:.4f}, recall {found.recall:.4f}")
    assert found.precision >= LEAST
    assert found.recall >= LEAST


def test_the_same_holds_within_each_language() -> None:
    """Over all parts: some have few traces of a language."""
    traces = by_language(one for part in PARTS for one in corpus(part))
    results = {language: score(own, fingerprint) for language, own in traces.items()}
    for language, found in results.items():
        print(f"{language}: precision {found.precision:.4f}, recall {found.recall:.4f}")
    assert results.keys() >= LANGUAGES
    for language, found in results.items():
        assert found.precision >= LEAST, language
        assert found.recall >= LEAST, language


def test_the_documented_figures_are_those_of_now() -> None:
    """Of each part in its README, of all in the documentation."""
    readme = (CORPUS / "README.md").read_text()
    traces = {part: corpus(part) for part in PARTS}
    for part, own in traces.items():
        found = score(own, fingerprint)
        (row,) = (line for line in readme.split("\n") if line.startswith(f"| `{part}/` |"))
        assert f"| {len(own)} | {len({one.bug for one in own})} |" in row
        assert f"| {found.precision:.3f}, {found.recall:.3f} |" in row
    everything = [one for own in traces.values() for one in own]
    found = score(everything, fingerprint)
    documented = (ROOT / "docs/exceptions-grouping.md").read_text()
    assert f"| otel-fmd | {found.precision:.3f} | {found.recall:.3f} |" in documented
    bugs = len({one.bug for one in everything})
    assert f"{len(everything):,} labelled stack traces of {bugs} bugs" in documented


def test_the_corpus_is_large_and_has_every_language() -> None:
    """Else the figures above would mean little."""
    traces = [one for part in PARTS for one in corpus(part)]
    assert len(traces) >= 500
    assert {one.language for one in traces} >= LANGUAGES
    assert len({one.bug for one in traces}) >= 150
    labelled = score(traces, fingerprint).labelled
    assert labelled >= 500, "pairs that belong together"


def test_every_trace_is_parsed_completely() -> None:
    """In its own language, with frames, whether its sender names the language or not."""
    incomplete = set()
    for trace in (one for part in PARTS for one in corpus(part)):
        if not trace.text or trace.language not in LANGUAGES | {"webjs"}:
            continue
        found = parsed(trace)
        if found.text:
            incomplete.add(trace.bug)
        unnamed = parse(trace.text, type=trace.type, message=trace.message)
        if any(one.frames for one in found.raised):
            assert unnamed == found, trace
            assert found.language == {"webjs": "nodejs"}.get(trace.language, trace.language)
        type_ = found.raised[0].type
        assert type_ == trace.type or type_.endswith(f".{trace.type}") or not trace.type, trace
    # What asyncio logs has words before the traceback; the other has a thousand frames.
    assert incomplete == {
        ("develop", "crossing", "never-retrieved"),
        ("final", "python", "flatten-in-a-circle"),
    }
