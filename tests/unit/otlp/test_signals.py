"""Signals are named in their own modules, and nowhere else on the wire's side."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from otel_fmd.config import load
from otel_fmd.otlp.signals import SIGNALS
from otel_fmd.serve import translations

ROOT = Path(__file__).parents[3] / "otel_fmd"
OWN = ROOT / "otlp" / "signals"
FIELDS = {"points_json.py": {"metrics"}}


def texts(path: Path) -> set[str]:
    """Every text in a module's code, docstrings and comments left out."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    }


def test_nothing_else_names_a_signal() -> None:
    """Neither its name nor its path, service or message."""
    files = [
        path
        for room in ("otlp", "receiver", "pipeline")
        for path in (ROOT / room).rglob("*.py")
        if OWN not in path.parents
    ]
    assert len(files) > 20
    named = {}
    for path in files:
        found = texts(path)
        # Fields of messages in JSON may be called the same.
        names = {one.name for one in SIGNALS} & (found - FIELDS.get(path.name, set()))
        for one in SIGNALS:
            names |= {text for text in found if one.path in text or one.service in text}
            names |= {one.response.__name__} & set(path.read_text().replace(",", " ").split())
        if names:
            named[path.name] = names
    assert named == {}


def test_the_signals_are_told_apart() -> None:
    """By name, records, path and service; the answer counts records by their name."""
    for field in ("name", "records", "path", "service"):
        assert len({getattr(one, field) for one in SIGNALS}) == len(SIGNALS) == 3
    for one in SIGNALS:
        answer = one.respond(2, "why")
        partial = answer.partial_success  # type: ignore[attr-defined]
        assert getattr(partial, f"rejected_{one.records}") == 2
        assert partial.error_message == "why"
        assert one.respond(0, "").SerializeToString() == b""


def test_what_is_kept_can_be_translated() -> None:
    """A signal with decoders and no translation would fail at its first body."""
    kept = {one.name for one in SIGNALS if one.is_kept}
    assert kept == {"traces", "metrics", "logs"} == translations(load({})).keys()


def test_what_is_not_kept_is_not_decoded() -> None:
    """Whoever tries has made a mistake."""
    forgotten = replace(SIGNALS[0], decode_json=None)
    assert not forgotten.is_kept
    with pytest.raises(TypeError, match="traces are not decoded"):
        forgotten.decode(b"", 1, lambda _: None, as_json=True)
