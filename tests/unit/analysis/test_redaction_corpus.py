"""Two hundred secrets in all places of a request, and values that must survive."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.requests.outlier import OutlierRecord, outlier_record
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.signals.record import Event
from tests.support.harmless import harmless
from tests.support.secret_places import PLACES, Planted, is_applicable
from tests.support.secrets import Secret, secrets

SECRETS = secrets()
HARMLESS = list(harmless())


class Source:
    """A span's parts, given as they are."""

    def __init__(self, planted: Planted) -> None:
        self._planted = planted

    def attributes(self, raw: Any, wanted: Any) -> dict[str, Any]:
        """Those that are wanted."""
        found = self._planted.attributes
        return {k: v for k, v in found.items() if wanted is None or k in wanted}

    def events(self, raw: Any) -> list[Event]:
        """All of them."""
        return list(self._planted.events)


def record_of(planted: Planted, redactor: Redactor) -> OutlierRecord:
    """What is stored of an outlier with these parts."""
    span = NOTHING_MORE._replace(source=Source(planted), has_events=bool(planted.events))
    made = Request("s", "e", "1", 0, 1, 200, None, "", b"t" * 16, b"s" * 8, span, None)
    return outlier_record(made, redactor)


def leaks(secret: Secret, record: OutlierRecord) -> list[str]:
    """The texts of a record that show a secret, as it is or encoded."""
    texts = [text or "" for text in record]
    return [t for t in texts if secret.core in t or secret.core in unquote(unquote(unquote(t)))]


def test_the_corpus_is_as_large_as_it_says() -> None:
    """Else the tests below would show less."""
    assert len(set(SECRETS)) >= 200
    assert len({secret.name for secret in SECRETS}) >= 120
    assert len(PLACES) >= 30
    assert len(set(HARMLESS)) >= 200
    tried = [(s, place) for s in SECRETS for place in PLACES if is_applicable(place, s)]
    assert len(tried) > 0.9 * len(SECRETS) * len(PLACES)


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_stored(place: str) -> None:
    """By its name or by its looks, wherever it is; redacting again changes nothing."""
    redactor = Redactor()
    found = []
    for secret in SECRETS:
        if is_applicable(place, secret):
            record = record_of(PLACES[place](secret), redactor)
            found += [(secret, text) for text in leaks(secret, record)]
            assert record.redacted(redactor) == record
    assert not found, f"{len(found)} secrets: {found[:3]}"


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_a_harmless_value_survives(name: str, value: str) -> None:
    """Under its name, in a map, in JSON, and as free text."""
    redactor = Redactor()
    assert redactor.value(name, value) == value
    assert redactor.mapping({"a": {name: [value]}}) == {"a": {name: [value]}}
    assert redactor.json(json.dumps({name: value})) == json.dumps({name: value})
    assert redactor.text(value) == value
    assert redactor.headers([(name, value)]) == f"{name}: {value}\r\n"


def test_numbers_and_flags_survive() -> None:
    """Those that are no card numbers."""
    values = {"a": 1, "b": 2.5, "c": True, "d": None, "tokens": 15_342, "code": 404}
    assert Redactor().mapping(values) == values
    assert Redactor().mapping({"is_secret": False, "token": None}) == {
        "is_secret": False,
        "token": None,
    }
