"""The documentation covers every setting, command and page."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import ProcessCollector

from otel_fmd import config
from otel_fmd.cli import _parser, main
from otel_fmd.exporter import open_pipeline
from otel_fmd.ingest.endpoint_counts import EndpointCounts
from otel_fmd.metrics.endpoints import EndpointMetrics
from otel_fmd.metrics.health import HealthMetrics
from otel_fmd.metrics.received import ReceiverMetrics, Receiving
from otel_fmd.otlp.flight import Flight
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import ReceiverCounters
from otel_fmd.receiver.pages import ReceiverPages
from otel_fmd.store.store import Store
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


def test_every_metric_is_documented(sqlite_store: Store) -> None:
    """With its type, labels, unit and meaning, as the collectors describe it; and no other."""
    pipeline = open_pipeline(sqlite_store, config.load({}), retry=False)
    receiving = Receiving(pipeline, ReceiverCounters(), Refusals(), Flight(1))
    collectors: list[Any] = [
        HealthMetrics(sqlite_store, pipeline.can_store),
        ReceiverMetrics(receiving),
        EndpointMetrics(EndpointCounts()),
    ]
    rows = []
    for one in (metric for collector in collectors for metric in collector.describe()):
        suffix, kind = {"counter": ("_total", "counter"), "info": ("_info", "gauge")}.get(
            one.type, ("", one.type)
        )
        labels = ("version",) if one.type == "info" else one._labelnames
        shown = ", ".join(f"`{label}`" for label in labels)
        unit, text = one.unit, one.documentation
        rows.append(f"| `{one.name}{suffix}` | {kind} | {shown} | {unit} | {text} |")
    lines = (DOCS / "metrics.md").read_text().splitlines()
    table = [line for line in lines if line.startswith(("| `otel_fmd_", "| `process_"))]
    assert {one for one in table if "`otel_fmd_" in one.split("|")[1]} == set(rows)
    assert len(rows) == 31
    of_process = [
        f"{one.name}_total" if one.type == "counter" else one.name
        for one in ProcessCollector(registry=None).collect()
    ]
    documented = [line.split("`")[1] for line in table if line.startswith("| `process_")]
    assert sorted(documented) == sorted(of_process)


def test_the_yaml_of_metrics_is_what_prometheus_reads() -> None:
    """A scrape with a token; every expression of an alert and a query names metrics that are."""
    text = (DOCS / "metrics.md").read_text()
    scrape, alerts = (yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", text, re.S))
    (job,) = scrape["scrape_configs"]
    assert job["authorization"]["type"] == "Bearer"
    rules = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    queries = re.findall(r"```promql\n(.*?)```", text, re.S)
    assert (len(rules), len(queries)) == (6, 3)
    known = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `otel_fmd_")}
    for expression in (*rules, *queries):
        for name in re.findall(r"otel_fmd_\w+", expression):
            assert name.removesuffix("_bucket") in known, name


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
