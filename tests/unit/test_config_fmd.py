"""FMD's own `config.cfg`: every key of FMD 5.1, and clear errors for what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_fmd import config
from otel_fmd.cli import main
from otel_fmd.config.fmd_file import NOT_USED, known_keys
from otel_fmd.errors import ConfigurationError
from tests.support.requirements import ROOT

EVERYTHING = """
[dashboard]
APP_VERSION=1.7
GIT=.git
CUSTOM_LINK='dashboard'
MONITOR_LEVEL=3
OUTLIER_DETECTION_CONSTANT=3.5
SAMPLING_PERIOD=20
ENABLE_LOGGING=True
BRAND_NAME=The shop
TITLE_NAME=Shop
DESCRIPTION=What the shop does
SHOW_LOGIN_BANNER=False
SHOW_LOGIN_FOOTER=False
BLUEPRINT_NAME=dashboard

[authentication]
USERNAME=root
PASSWORD='long enough'
GUEST_USERNAME=guest
GUEST_PASSWORD=['a', 'b']
SECURITY_TOKEN=cc83733cb0af8b884ff6577086b87909

[database]
TABLE_PREFIX=fmd
DATABASE=sqlite:////tmp/fmd.db

[visualization]
TIMEZONE=Europe/Amsterdam
COLORS={'main': '[0,97,255]', 'static': '[255,153,0]'}

[alerting]
ENABLED=True
TYPE=email
SMTP_HOST=smtp.example
SMTP_PORT=587
SMTP_USER=a
SMTP_PASSWORD=b
SMTP_TO=c
CHAT_PLATFORM=SLACK
CHAT_WEBHOOK_URL=https://example
GITHUB_TOKEN=x
REPOSITORY_OWNER=y
REPOSITORY_NAME=z
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with every key."""
    path = tmp_path / "config.cfg"
    path.write_text(EVERYTHING)
    return path


def test_every_key_is_read(file: Path) -> None:
    """In our words; quotes around texts, as FMD's examples have them, are taken off."""
    found = config.load({}, config_file=str(file))
    assert found.app_version == "1.7"
    assert found.git == str(file.parent / ".git")
    assert found.dashboard_path == "/dashboard"
    assert (found.monitor_level, found.outlier_detection_constant) == (3, 3.5)
    assert found.sampling_period_ms == 20
    assert found.log_level == "DEBUG"
    assert (found.brand_name, found.title_name) == ("The shop", "Shop")
    assert found.description == "What the shop does"
    assert (found.show_login_banner, found.show_login_footer) == (False, False)
    assert (found.admin_username, found.admin_password) == ("root", "long enough")
    assert (found.table_prefix, found.database_url) == ("fmd", "sqlite:////tmp/fmd.db")
    assert found.timezone == "Europe/Amsterdam"
    assert found.colors == {"main": (0, 97, 255), "static": (255, 153, 0)}


def test_arguments_and_environment_win(file: Path) -> None:
    """In that order."""
    environ = {"FLASK_MONITORING_DASHBOARD_CONFIG": str(file), "OTEL_FMD_MONITOR_LEVEL": "1"}
    found = config.load(environ, brand_name="Mine")
    assert (found.monitor_level, found.brand_name, found.table_prefix) == (1, "Mine", "fmd")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[dashboard]\nMONITOR_LEVEL=7\n", "MONITOR_LEVEL.*'7'.*from 0 to 3"),
        ("[dashboard]\nMONITR_LEVEL=1\n", "MONITR_LEVEL: unknown key; expected one of"),
        ("[dashbord]\nMONITOR_LEVEL=1\n", "dashbord.*unknown section"),
        ("[visualization]\nCOLORS={'main': 'blue'}\n", "COLORS.*expected colours"),
        ("[dashboard]\nENABLE_LOGGING=maybe\n", "ENABLE_LOGGING.*True or False"),
        ("no section\n", "not a configuration file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    """File, section, key, value, and what was expected."""
    path = tmp_path / "config.cfg"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=said) as caught:
        config.load({}, config_file=str(path))
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        config.load({}, config_file=str(tmp_path / "none.cfg"))


def test_config_show_tells_values_and_where_they_came_from(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets hidden; keys without effect named with the reason."""
    monkeypatch.setenv("OTEL_FMD_MAX_USERS", "7")
    assert main(["config", "show", "--config-file", str(file), "--table-prefix", "p_"]) == 0
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line for line in printed.splitlines()}
    assert "3" in lines["monitor_level"]
    assert "[dashboard] MONITOR_LEVEL" in lines["monitor_level"]
    assert lines["max_users"].split()[1:] == ["7", "OTEL_FMD_MAX_USERS"]
    assert lines["table_prefix"].split()[1:] == ["p_", "table_prefix"]
    assert lines["host"].split()[1:] == ["127.0.0.1", "default"]
    assert "(set)" in lines["admin_password"]
    assert "long enough" not in printed
    assert "[alerting] SMTP_HOST has no effect" in printed


def test_every_key_is_documented() -> None:
    """On the migration page, those without effect with the reason."""
    text = (ROOT / "docs" / "migrating.md").read_text()
    known = known_keys()
    assert set(known) >= {"dashboard", "authentication", "database", "visualization"}
    for section, keys in known.items():
        assert keys, section
        for key in keys:
            assert f"`{key}`" in text, f"{section} {key}"
    assert NOT_USED
