"""The documentation covers every setting, command and page."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from otel_fmd import config
from otel_fmd.cli import _parser, main
from otel_fmd.receiver.pages import ReceiverPages
from tests.support.requirements import ROOT

DOCS = ROOT / "docs"


def test_every_setting_is_documented() -> None:
    """With its variable, default and description, as the code has them."""
    text = (DOCS / "settings.md").read_text()
    assert len(config.describe()) == len(fields(config.Settings))
    for _, variable, default, description in config.describe():
        shown = f"`{default}`" if default else ""
        assert f"| `{variable}` | {shown} | {description} |" in text, variable


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every command, as it is written, with its own options."""
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    for group in groups:
        for word, command in group.choices.items():
            yield from commands(command, f"{name} {word}".strip())
    if not groups:
        yield name, [one.option_strings[0] for one in parser._actions if one.option_strings]


COMMANDS = dict(commands(_parser()))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its options, and it has a help text."""
    text = (DOCS / "command-line.md").read_text()
    assert f"`otel-fmd {command}" in text
    for option in set(COMMANDS[command]) - {"-h"}:
        assert f"{option}`" in text or f"{option} " in text or f"{option}]" in text, option
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: otel-fmd {command}")


def test_commands_are_found_at_every_depth() -> None:
    """Else the test above would pass with none."""
    assert {"serve", "init-db", "user add", "config show"} < COMMANDS.keys()
    assert "--admin" in COMMANDS["user add"]


def test_every_route_of_the_receiver_is_documented() -> None:
    """Pages beside OTLP."""
    text = (DOCS / "receiver.md").read_text()
    paths = ReceiverPages(None, None, None).by_path()  # type: ignore[arg-type]
    assert {"/metrics", "/healthz"} <= paths.keys()
    for path in paths:
        assert f"`{path}`" in text


def test_every_page_of_the_dashboard_is_documented() -> None:
    """With a picture in light and dark, how to read it, and a finding."""
    names = pictured_pages()
    assert {"overview", "hourly", "endpoint-users"} <= set(names)
    for name in names:
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
    paths = [*DOCS.rglob("*.md"), ROOT / "README.md", *(ROOT / "otel_fmd").rglob("*.py")]
    assert len(paths) > 100
    for path in paths:
        assert str(ROOT) not in path.read_text(), path


def test_the_change_log_has_an_unreleased_section() -> None:
    """Where the next change is written."""
    assert "## [Unreleased]" in Path(ROOT / "CHANGELOG.md").read_text()
