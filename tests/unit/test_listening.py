"""What `serve` warns about when other machines reach it."""

from __future__ import annotations

from typing import Any

import pytest

from otel_fmd.config import Settings
from otel_fmd.listening import exposures

TLS = "logins and telemetry are sent without TLS"
TOKEN = "anyone who reaches it may send telemetry"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"host": "::1"}, []),
        ({"host": "localhost"}, []),
        ({"host": "0.0.0.0"}, [TLS, TOKEN]),
        ({"host": "192.0.2.1"}, [TLS, TOKEN]),
        ({"host": "fmd.example.com"}, [TLS, TOKEN]),
        ({"host": "0.0.0.0", "insecure": True}, []),
        ({"host": "0.0.0.0", "tls_cert": "x"}, [TOKEN]),
        ({"host": "0.0.0.0", "public_url": "https://x"}, [TOKEN]),
        ({"host": "0.0.0.0", "public_url": "http://x"}, [TLS, TOKEN]),
        ({"host": "0.0.0.0", "otlp_token": "x"}, [TLS]),
        ({"host": "0.0.0.0", "require_token": True}, [TLS]),
        ({"host": "0.0.0.0", "receiver": False}, [TLS]),
        ({"host": "0.0.0.0", "tls_cert": "x", "tls_client_ca": "y"}, []),
    ],
)
def test_what_is_unprotected_is_named(given: dict[str, Any], expected: list[str]) -> None:
    """With the setting that protects it."""
    found = exposures(Settings(**given))
    assert [sentence.partition(":")[0] for sentence in found] == expected
    assert all("OTEL_FMD_" in sentence for sentence in found)
