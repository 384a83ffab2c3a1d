"""The documentation covers every setting, command and page."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_fmd import config
from otel_fmd.cli import main
from otel_fmd.receiver.pages import ReceiverPages
from tests.support.requirements import ROOT

DOCS = ROOT / "docs"


def test_every_setting_is_documented() -> None:
    """With its variable, default and description, as the code has them."""
    text = (DOCS / "settings.md").read_text()
    for _, variable, default, description in config.describe():
        shown = f"`{default}`" if default else ""
        assert f"| `{variable}` | {shown} | {description} |" in text, variable


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "demo",
        "init-db",
        "migrate",
        "maintain",
        "prune",
        "check",
        "user add",
        "user remove",
        "config show",
    ],
)
def test_every_command_is_documented(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And has a help text."""
    assert f"`otel-fmd {command}" in (DOCS / "command-line.md").read_text()
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out


def test_every_route_of_the_receiver_is_documented() -> None:
    """Pages beside OTLP."""
    text = (DOCS / "receiver.md").read_text()
    for path in ReceiverPages(None, None, None).by_path():  # type: ignore[arg-type]
        assert f"`{path}`" in text


def test_every_page_of_the_dashboard_is_documented() -> None:
    """With a picture in light and dark, how to read it, and a finding."""
    for name in pictured_pages():
        text = (DOCS / "views" / f"{name}.md").read_text()
        assert f"../images/{name}-light.png" in text
        assert (DOCS / "images" / f"{name}-light.png").exists(), name
        assert (DOCS / "images" / f"{name}-dark.png").exists(), name
        for heading in ("## How to read it", "## A finding in the demo"):
            assert heading in text


def pictured_pages() -> list[str]:
    """The names of the pages that stand in the navigation."""
    from dash_app.page import HIDDEN
    from dash_app.pages import PAGES

    found = []
    for page in PAGES:
        if page.section != HIDDEN:
            path = page.path.replace("/<endpoint>/", "/").strip("/")
            found.append(path.replace("/", "-") or "overview")
    return found


def test_nothing_speaks_of_the_machine_that_built_it() -> None:
    """No absolute path of this checkout in what is committed."""
    for path in [*DOCS.rglob("*.md"), ROOT / "README.md", *(ROOT / "otel_fmd").rglob("*.py")]:
        assert str(ROOT) not in path.read_text(), path


def test_the_change_log_has_an_unreleased_section() -> None:
    """Where the next change is written."""
    assert "## [Unreleased]" in Path(ROOT / "CHANGELOG.md").read_text()
