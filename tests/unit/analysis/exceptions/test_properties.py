"""Whatever the text: nothing is raised, it takes linear time, and what is no bug does not split."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_fmd.analysis.exceptions.drafts import MOST_FRAMES, MOST_RAISED
from otel_fmd.analysis.exceptions.grouping import Group, group_of
from otel_fmd.analysis.exceptions.parse import MOST_CHARACTERS, parse
from tests.support.grouping import PARTS, Labelled, corpus

TRACES = [one for part in PARTS for one in corpus(part) if one.text]
LANGUAGES = (
    "",
    "python",
    "java",
    "nodejs",
    "webjs",
    "go",
    "ruby",
    "php",
    "dotnet",
    "rust",
    "swift",
)
LINES = sorted({line for one in TRACES for line in one.text.split("\n")})


def grouped(trace: Labelled, text: str | None = None) -> Group:
    """The group of a trace of the corpus, or of another text of it."""
    text = trace.text if text is None else text
    return group_of(parse(text, type=trace.type, message=trace.message, language=trace.language))


def check(text: str, language: str = "") -> None:
    """What is true of every text."""
    found = parse(text, language=language)
    assert found.raised
    assert len(found.raised) <= MOST_RAISED
    for index, one in enumerate(found.raised):
        assert len(one.frames) <= MOST_FRAMES
        assert -1 <= one.parent < max(index, 1)
    group = group_of(found)
    assert re.fullmatch("[0-9a-f]{64}", group.fingerprint)
    assert group == group_of(found)


@given(st.text(), st.sampled_from(LANGUAGES))
def test_any_text_is_parsed(text: str, language: str) -> None:
    """Of any characters."""
    check(text, language)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(LINES) | st.text(max_size=30), max_size=40), st.randoms())
def test_lines_of_traces_in_any_order_are_parsed(lines: list[str], chance: random.Random) -> None:
    """Of any language, mixed."""
    check("\n".join(lines), chance.choice(LANGUAGES))


@settings(max_examples=300)
@given(st.sampled_from(TRACES), st.randoms(use_true_random=False))
def test_damaged_traces_are_parsed(trace: Labelled, chance: random.Random) -> None:
    """Cut, with pieces left out, repeated or replaced."""
    text = trace.text
    for _ in range(chance.randint(1, 6)):
        at, to = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        to = min(to, at + 80)
        piece = chance.choice(
            ("", text[at:to] * 2, chance.choice(LINES), "\n", ": ", "(", '"', "\0")
        )
        text = text[:at] + piece + text[to:]
    check(text, trace.language)


_LONG = {
    "letters": "x",
    "newlines": "\n",
    "blanks": " ",
    "tabs": "\t",
    "calls": "    at f (",
    "colons": "    at a:1:1:1:1:1",
    "parentheses": "    at a.b(c) in (d) in (e) ",
    "Java": "\tat a.b.c.d.e.f(g",
    "Java, nested": "Caused by: a.b: c\n\tat a.b(C.java:1)\n",
    "quotes": "File \"'",
    "Python": '  File "a.py", line 1, in f\n    x\n',
    "Python, members": "  | ExceptionGroup: x (1 sub-exception)\n"
    "  +-+---------------- 1 ----------------\n",
    "Python, chained": "Traceback (most recent call last):\nKeyError: 1\n\nDuring handling of the "
    "above exception, another exception occurred:\n\n",
    "Go": "goroutine 1 [running]:\nmain.f(0x1)\n\t/a.go:1 +0x1\n",
    "Go, names": "a.b.c.d.e.f",
    "Ruby": "a.rb:1:in `b': c (D)\n",
    "Ruby, colons": "a:1:in `b:1:in `",
    "PHP": "#0 a.php(1): b->c()\n",
    "PHP, places": "X: y in z in a in b in c:1:1\n",
    ".NET": " ---> A.B: c\n   at A.B.C(D e) in f:line 1\n",
    ".NET, heads": " ---> a",
    "Rust": "   0: a::b\n             at ./c.rs:1:1\n",
    "Firefox": "f@https://a/b.js:1:2\n",
    "at signs": "a@b@c@/:1",
    "backquotes": "`'`'",
    "versions": "1.2.3.4.5.6-7_8",
    "hexadecimal": "0123abcdef-",
}


@pytest.mark.parametrize("piece", _LONG.values(), ids=_LONG)
@pytest.mark.parametrize(
    "head", ["", "Traceback (most recent call last):\n", "E: x\n    at f (/a.js:1:2)\n"]
)
def test_a_megabyte_takes_less_than_a_second(piece: str, head: str) -> None:
    """Of whatever makes a regular expression slow."""
    text = (head + piece * (1_100_000 // len(piece) + 1))[:1_100_000]
    for language in ("", "java", "dotnet"):
        began = time.process_time()
        found = parse(text, language=language)
        group_of(found)
        assert time.process_time() - began < 1
    assert f"{1_100_000 - MOST_CHARACTERS} of 1100000 characters are left out" in found.text


def moved(text: str, by: int) -> str:
    """The text with every line number higher, as after lines were inserted above."""

    def later(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) + by}"

    text = re.sub(r"(, line )([0-9]+)", later, text)
    text = re.sub(r"(\.(?:java|kt|scala|js|mjs|ts|go|rb|erb|php|rs|cs):)([0-9]+)", later, text)
    text = re.sub(r"(\.php\()([0-9]+)", later, text)
    return re.sub(r"(:line )([0-9]+)", later, text)


def elsewhere(text: str, root: str) -> str:
    """The text of the same program in another folder."""
    for known in (
        "/app/",
        "/srv/www/shop/releases/20260301120000/",
        "/home/deploy/shop-backend/",
        "C:\\apps\\shop\\",
        "/srv/shop/releases/20260301/",
        "/build/shop/",
        "/home/ci/go/src/shop/",
        "/var/www/html/",
        "/srv/shop/current/",
    ):
        other = root.replace("/", "\\") if "\\" in known else root
        text = re.sub(rf"(?<![\w.-]){re.escape(known)}", lambda _, other=other: other, text)
    return text


_ROOTS = (
    "/opt/web-1/",
    "/home/x1/work/",
    "/data/deploys/7f3a9c/",
    "/usr/src/app/",
    "/x/",
    "/tmp/tmp8a1b/",
)
_CHANGES: dict[str, Callable[[str], str]] = {
    "lines moved": lambda text: moved(text, 17),
    "addresses": lambda text: re.sub(r"\b0x[0-9a-f]{6,}\b", "0x7fffdeadbeef", text),
    "no carets": lambda text: (
        re.sub(r"\n *[~^]+(?=\n)", "", text) if text.startswith("Traceback") else text
    ),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "no line end": lambda text: text.rstrip("\n"),
    **{f"at {root}": lambda text, root=root: elsewhere(text, root) for root in _ROOTS},  # type: ignore[misc]
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_what_is_no_bug_does_not_split_a_group(change: Callable[[str], str]) -> None:
    """Of every trace of the corpus."""
    changed = 0
    for trace in TRACES:
        text = change(trace.text)
        changed += text != trace.text
        assert grouped(trace, text).fingerprint == grouped(trace).fingerprint, (trace.bug, text)
    assert changed > 10


def test_numbers_in_messages_do_not_split_a_group() -> None:
    """Of every trace of the corpus."""
    changed = 0
    for trace in TRACES:
        message = re.sub(r"(?<![\w.])[0-9](?![\w.])", "7", trace.message)
        message = re.sub(r"(?<![\w.])[0-9]{2,}(?![\w.])", "4711", message)
        if trace.message and message != trace.message:
            changed += 1
            other = replace(trace, message=message)
            text = trace.text.replace(trace.message, message)
            assert grouped(other, text).fingerprint == grouped(trace).fingerprint, trace.bug
    assert changed > 100


@given(st.integers(0, 10**12), st.uuids(), st.sampled_from(["", "x.com", "10.0.0.9:5432"]))
def test_ids_in_messages_do_not_split_a_group(number: int, uuid: object, host: str) -> None:
    """Neither with frames nor without, whatever the language."""

    def made(number: object, uuid: object, host: str) -> list[str]:
        message = f"order {number} of {uuid} at {host or 'localhost'} is late"
        texts = {
            "": "",
            "nodejs": f"Error: {message}\n    at f (/app/a.js:1:2)\n",
            "python": f'Traceback (most recent call last):\n  File "/app/a.py", line 1, in f\n'
            f"    raise Late(order)\na.Late: {message}\n",
        }
        return [
            group_of(parse(text, type="Late", message=message, language=name)).fingerprint
            for name, text in texts.items()
        ]

    assert made(number, uuid, host) == made(1, "0cc175b9-c0f1-46b6-831c-99e269772661", "")
