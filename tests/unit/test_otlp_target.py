"""What the variables of the OTLP exporter say of a token and of certificates."""

from __future__ import annotations

import pytest

from otel_fmd.otlp_target import otlp_target

URL = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://fmd.example.com"}


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ("authorization=Bearer%20ofmd_x", "ofmd_x"),
        ("X-Team=a,Authorization=Bearer ofmd_x", "ofmd_x"),
        ("authorization=bearer%20a%3Db", "a=b"),
        ("authorization=Basic%20eDp5", ""),
        ("x-api-key=ofmd_x", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_the_token_that_spans_are_sent_with(headers: str, token: str) -> None:
    """Levels are asked for with it."""
    found = otlp_target({**URL, "OTEL_EXPORTER_OTLP_HEADERS": headers})
    assert found is not None
    assert found.token == token


def test_variables_for_traces_win() -> None:
    """As in the exporter."""
    environ = {
        **URL,
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20all",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Bearer%20traces",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "/all.pem",
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/traces.pem",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/client.pem",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/client.key",
    }
    found = otlp_target(environ)
    assert found is not None
    assert found.token == "traces"
    assert found.certificates == ("/traces.pem", "/client.pem", "/client.key")
