"""The examples of `docs/deploy`: read by the tools of their formats, true of our settings."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_fmd import config
from otel_fmd.cli import _parser
from tests.support.clients import COLLECTOR
from tests.support.proxies import PROXIES
from tests.support.requirements import ROOT, missing

DEPLOY = ROOT / "docs" / "deploy"
LINTERS = {
    "Dockerfile": ("hadolint", "--failure-threshold", "info"),
    "compose.yaml": ("check-jsonschema", "--builtin-schema", "vendor.compose-spec"),
    "kubernetes.yaml": ("kubernetes-validate", "--strict"),
}
RUNNING = [DEPLOY / name for name in LINTERS]
PROXIED = [DEPLOY / name for proxy in PROXIES.values() for name in proxy.files]
NAMING = [path for path in (*RUNNING, *PROXIED) if path.name != "traefik.yaml"]
"""Files that name settings of ours."""


@pytest.mark.parametrize("name", LINTERS)
def test_the_tool_of_its_format_finds_nothing(name: str) -> None:
    """hadolint, the schema of Compose, the schemas of Kubernetes."""
    program, *options = LINTERS[name]
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        missing(program)
    command = [str(path), *options, str(DEPLOY / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_is_read_by_a_tool() -> None:
    """A Collector reads its own in test_collector.py, proxies theirs in test_reverse_proxies.py."""
    others = {DEPLOY / "collector.yaml", DEPLOY / "Dockerfile.dockerignore"}
    assert set(DEPLOY.iterdir()) == {*RUNNING, *PROXIED, *others}


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    """A misspelt one would be ignored."""
    known = {variable for _, variable, _, _ in config.describe()}
    found = set(re.findall(r"\bOTEL_FMD_\w+", path.read_text()))
    assert found
    assert found <= known


def commands() -> Iterator[Any]:
    """Every command of ours in the examples."""
    for path in RUNNING:
        lists = re.findall(r'\[("otel-fmd", [^\]]+)\]', path.read_text())
        for number, one in enumerate(lists):
            words = yaml.safe_load(f"[{one}]")
            yield pytest.param(words[1:], id=f"{path.name}-{number}")


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_parses(words: list[str]) -> None:
    """With its options."""
    assert _parser().parse_args(words).run


def test_each_file_has_a_command() -> None:
    """Else the test above would pass with none."""
    assert len(list(commands())) >= len(RUNNING)


def test_proxies_expect_the_same_of_us() -> None:
    """The settings in their comments, which the guide has, too; our usual ports behind them."""
    settings = config.Settings()
    ports = {settings.otlp_grpc_port, settings.otlp_http_port, settings.dashboard_port}
    guide = (DEPLOY.parent / "expose.md").read_text()
    for path in PROXIED:
        text = path.read_text()
        if path in NAMING:
            wanted = re.findall(r"^#   (OTEL_FMD_\w+=\S+)", text, re.MULTILINE)
            assert len(wanted) == 3
            for one in wanted:
                assert f"export {one}\n" in guide, (path.name, one)
            assert {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)} == ports


def test_ports_are_those_that_we_listen_on() -> None:
    """In the image, and of the containers of Kubernetes."""
    settings = config.Settings()
    ours = {settings.otlp_grpc_port, settings.otlp_http_port, settings.dashboard_port}
    exposed = re.search(r"^EXPOSE (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert exposed is not None
    assert {int(port) for port in exposed[1].split()} == ours
    found = set()
    for one in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()):
        if one["kind"] == "Deployment":
            for container in one["spec"]["template"]["spec"]["containers"]:
                found |= {port["containerPort"] for port in container["ports"]}
                security = container["securityContext"]
                assert security["readOnlyRootFilesystem"] is True
                if settings.otlp_http_port in {one["containerPort"] for one in container["ports"]}:
                    # Without a token, agents in other pods get no monitor levels.
                    names = {variable["name"] for variable in container["env"]}
                    assert "OTEL_FMD_OTLP_TOKEN" in names
    assert found == ours


def test_the_collector_of_compose_is_the_one_that_is_tested() -> None:
    """Names in its configuration change with its versions."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    image = services["collector"]["image"]
    assert image == f"otel/opentelemetry-collector:{COLLECTOR.removeprefix('v')}"


def test_no_variable_that_kubernetes_sets_is_one_of_our_settings() -> None:
    """For every port of every Service, in every pod of the namespace, those of users included."""
    known = {variable for _, variable, _, _ in config.describe()}
    found = set()
    pods = []
    for one in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()):
        if one["kind"] == "Service":
            name = one["metadata"]["name"].upper().replace("-", "_")
            found |= {f"{name}_{rest}" for rest in ("PORT", "SERVICE_HOST", "SERVICE_PORT")}
        elif "template" in one.get("spec", {}):
            pods.append(one["spec"]["template"]["spec"])
    assert len(found) == 9
    assert not found & known
    assert [pod["enableServiceLinks"] for pod in pods] == [False] * 3


def test_services_of_compose_are_locked() -> None:
    """Those of our image have a read-only root; two receivers; what they depend on is there."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    own = [one for one in services.values() if one["image"] == "otel-fmd"]
    assert own
    assert [one["read_only"] for one in own] == [True] * len(own)
    assert services["receiver"]["deploy"]["replicas"] == 2
    for one in services.values():
        assert set(one.get("depends_on", ())) <= services.keys()
