"""Settings: what holds, and clear errors for what cannot."""

from __future__ import annotations

import pytest

from otel_fmd import config
from otel_fmd.errors import ConfigurationError


def test_an_argument_wins_over_the_environment() -> None:
    """And the environment over the default."""
    environ = {"OTEL_FMD_HOST": "::1", "OTEL_FMD_DASHBOARD_PORT": "9000"}
    found = config.load(environ, host="127.0.0.2", dashboard_port=None)
    assert (found.host, found.dashboard_port, found.otlp_http_port) == ("127.0.0.2", 9000, 4318)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dashboard_port", "70000"),
        ("dashboard_port", "x"),
        ("dashboard", "maybe"),
        ("outlier_detection_constant", "nan"),
        ("outlier_detection_constant", "0.5"),
        ("monitor_level", "4"),
        ("max_body_bytes", "12Q"),
        ("max_body_bytes", "inf"),
        ("timezone", "Mars/Olympus"),
        ("rename", "GET /a"),
        ("rename", "GET /(a -> a"),
        ("rename", "GET /a -> "),
        ("rename", "GET /(a) -> \\2"),
        ("rename", "GET /(a) -> \\g<name>"),
        ("rename", "GET /a -> good; -> b"),
        ("timezone", "../etc/passwd"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(name: str, value: str) -> None:
    """The variable, the value, and what was expected."""
    variable = config.variable(name)
    with pytest.raises(ConfigurationError, match="expected") as caught:
        config.load({variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)


def test_sizes_have_units() -> None:
    """Powers of 1024, in several spellings."""
    for text in ("2M", "2MiB", "2 mb", "2097152"):
        assert config.load({"OTEL_FMD_MAX_BODY_BYTES": text}).max_body_bytes == 2 * 2**20


def test_an_unknown_argument_is_an_error() -> None:
    """A typo is not ignored."""
    with pytest.raises(ConfigurationError, match="databse_url"):
        config.load({}, databse_url="x")
