"""Settings: what holds, and clear errors for what cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"monitor_level": 7}, "monitor_level=7: expected a whole number from 0 to 3"),
        ({"monitor_level": 2.5}, "monitor_level=2.5: expected a whole number"),
        ({"monitor_level": True}, "monitor_level=True: expected a number"),
        ({"dashboard_path": True}, "dashboard_path=True: expected a string"),
        ({"database_url": object}, "database_url=.*: expected a string"),
        ({"sampling_period_ms": 0}, "sampling_period_ms=0: expected a number of at least 1"),
        ({"otlp_http_port": 70_000}, "otlp_http_port=70000: expected a whole number"),
        ({"receiver": "perhaps"}, "receiver='perhaps': expected true or false"),
        ({"receiver": 3}, "receiver=3: expected true or false"),
        ({"redact": [1]}, r"redact=\[1\]: expected a list of strings"),
        ({"rename": ["bad"]}, "expected rules such as"),
        ({"colors": {"main": [1, 2]}}, "expected colours such as"),
    ],
)
def test_an_argument_of_a_wrong_kind_is_named(arguments: dict[str, Any], words: str) -> None:
    """As texts are: none is taken that would be refused in the environment."""
    with pytest.raises(ConfigurationError, match=words):
        config.load({}, **arguments)


def test_arguments_may_be_what_python_has_for_them() -> None:
    """Numbers, flags, lists, paths, SQLAlchemy's URL."""
    found = config.load(
        {},
        monitor_level=3,
        receiver=False,
        fold_seconds=2,
        max_database_size=5_000_000,
        redact=["token", "key"],
        rename=("GET /a -> a", "GET /b -> b"),
        colors={"main": (1, 2, 3), "other": "[4, 5, 6]"},
        git=Path("/srv/app/.git"),
        app_version=5,
        database_url=make_url("postgresql://ana:secret@db/fmd"),
    )
    assert (found.monitor_level, found.receiver, found.fold_seconds) == (3, False, 2.0)
    assert found.max_database_size == 5_000_000
    assert found.redact == ("token", "key")
    assert found.rename == ("GET /a -> a", "GET /b -> b")
    assert found.colors == {"main": (1, 2, 3), "other": (4, 5, 6)}
    assert (found.git, found.app_version) == ("/srv/app/.git", "5")
    assert found.database_url == "postgresql://ana:secret@db/fmd"


@pytest.mark.parametrize("value", ["tcp://10.96.0.12:8050", "udp://[fd00::1]:53", "tcp://h:1"])
def test_what_kubernetes_sets_for_a_service_is_no_setting(value: str) -> None:
    """In every pod beside a Service called `otel-fmd-dashboard`, users' apps included."""
    assert config.load({"OTEL_FMD_DASHBOARD_PORT": value}).dashboard_port == 8050


def test_other_wrong_ports_are_named() -> None:
    """As before."""
    with pytest.raises(ConfigurationError, match="expected a whole number"):
        config.load({"OTEL_FMD_DASHBOARD_PORT": "tcp://10.96.0.12"})


@pytest.mark.parametrize(
    "value",
    ["fmd.example.com", "ftp://x", "https://", "https://x/?a=1", "https://x/#a", "https://u:pw@x"],
)
def test_what_is_no_public_url(value: str) -> None:
    """With an example; a password in it is not shown."""
    with pytest.raises(ConfigurationError, match="expected a URL such as https://fmd") as found:
        config.load({"OTEL_FMD_PUBLIC_URL": value})
    assert "pw" not in str(found.value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [("https://x", "https://x"), ("http://x:8050/a/b/", "http://x:8050/a/b"), ("", "")],
)
def test_a_public_url_has_no_slash_at_its_end(value: str, kept: str) -> None:
    """A path may follow."""
    assert config.load({"OTEL_FMD_PUBLIC_URL": value}).public_url == kept
