"""A Collector built from its Go modules, its queue on disk, while the receiver is killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from otel_fmd.store.store import Store
from tests.support.clients import COLLECTOR_MODULES, Client, go_program
from tests.support.load import PROTOBUF, RetryingClient, assert_exactly_once, finish
from tests.support.requirements import ROOT
from tests.support.serving import Served
from tests.support.spans import Spans, body
from tests.support.waiting import free_port, wait_for

KILLS = int(os.environ.get("OTEL_FMD_TEST_COLLECTOR_KILLS", "2"))
ZSTD_GRPC = "grpc zstd"
KINDS = {
    "gzip": ("otlp_http", "gzip"),
    "zstd": ("otlp_http", "zstd"),
    "deflate": ("otlp_http", "deflate"),
    "none": ("otlp_http", "none"),
    "grpc": ("otlp_grpc", "gzip"),
    ZSTD_GRPC: ("otlp_grpc", "zstd"),
}
"""Exporters and compressions of the Collector."""


def configuration(folder: Path, target: Served, port: int, kind: str) -> Path:
    """The Collector's file: OTLP in, our receiver out, all three signals, a queue on disk."""
    exporter, compression = KINDS[kind]
    queue = folder / "queue"
    queue.mkdir()
    out = {
        "compression": compression,
        "sending_queue": {"storage": "file_storage"},
        "retry_on_failure": {
            "initial_interval": "200ms",
            "max_interval": "1s",
            "max_elapsed_time": "0s",
        },
    }
    if exporter == "otlp_grpc":
        out |= {"endpoint": target.grpc, "tls": {"insecure": True}}
    else:
        out |= {"endpoint": target.http}
    pipeline = {"receivers": ["otlp"], "exporters": [exporter]}
    path = folder / "collector.yaml"
    # YAML is a superset of JSON.
    path.write_text(
        json.dumps(
            {
                "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
                "exporters": {exporter: out},
                "extensions": {"file_storage": {"directory": str(queue)}},
                "service": {
                    "extensions": ["file_storage"],
                    "pipelines": dict.fromkeys(("traces", "metrics", "logs"), pipeline),
                    "telemetry": {"metrics": {"level": "none"}},
                },
            }
        )
    )
    return path


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Callable[[Served, str], tuple[Client, str]]]:
    """Starts a Collector; its address for spans."""
    command = go_program("collector", COLLECTOR_MODULES)
    started: list[Client] = []

    def start(target: Served, kind: str) -> tuple[Client, str]:
        port = free_port()
        file = configuration(tmp_path, target, port, kind)
        client = Client(tmp_path / "collector.log", [command, "--config", str(file)], tmp_path)
        started.append(client)
        client.wait_for("Everything is ready")
        return client, f"http://127.0.0.1:{port}"

    yield start
    for one in started:
        one.stop()


def test_the_collector_of_the_deployment_examples_passes_spans_on(
    new_url: Callable[[str], str], serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Its file as it is, with other addresses: valid, with the token from its environment."""
    command = go_program("collector", COLLECTOR_MODULES)
    file = ROOT / "docs" / "deploy" / "collector.yaml"
    environment = {**os.environ, "FMD_OTLP_TOKEN": "a token"}
    done = subprocess.run(
        [command, "validate", f"--config=file:{file}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    served = serve(new_url("sqlite"), "--no-dashboard", OTEL_FMD_OTLP_TOKEN="a token")
    ports = {"http": free_port(), "grpc": free_port()}
    other = tmp_path / "here.yaml"
    other.write_text(
        json.dumps(
            {
                "receivers": {
                    "otlp": {
                        "protocols": {
                            kind: {"endpoint": f"127.0.0.1:{port}"} for kind, port in ports.items()
                        }
                    }
                },
                "exporters": {"otlp_http": {"endpoint": served.http}},
                "service": {"telemetry": {"metrics": {"level": "none"}}},
            }
        )
    )
    words = [command, f"--config=file:{file}", f"--config=file:{other}"]
    client = Client(tmp_path / "log", ["env", "FMD_OTLP_TOKEN=a token", *words], tmp_path)
    try:
        client.wait_for("Everything is ready")
        url = f"http://127.0.0.1:{ports['http']}/v1/traces"
        assert requests.post(url, body(Spans(3).many(7)), headers=PROTOBUF, timeout=30).ok
        wait_for(lambda: stored(served.database_url) == 7, 30, "the spans arrive")
    finally:
        client.stop()


def stored(url: str) -> int:
    """How many requests there are."""
    store = Store(url)
    with store.read() as connection:
        query = select(func.count()).select_from(store.tables.request)
        found = int(connection.execute(query).scalar_one())
    store.close()
    return found


METRIC = {
    "resourceMetrics": [
        {
            "scopeMetrics": [
                {
                    "metrics": [
                        {
                            "name": "items",
                            "gauge": {"dataPoints": [{"timeUnixNano": "1", "asInt": "1"}]},
                        }
                    ]
                }
            ]
        }
    ]
}
LOG = {
    "resourceLogs": [
        {"scopeLogs": [{"logRecords": [{"timeUnixNano": "1", "body": {"stringValue": "hello"}}]}]}
    ]
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != ZSTD_GRPC])
def test_nothing_is_lost_behind_a_collector(
    new_url: Callable[[str], str],
    serve: Callable[..., Served],
    collector: Callable[[Served, str], tuple[Client, str]],
    kind: str,
) -> None:
    """No line of complaint while all goes well.

    And while the receiver is killed again and again, whatever the Collector took is stored once.
    """
    url = new_url("sqlite")
    ports = ["--otlp-http-port", str(free_port()), "--otlp-grpc-port", str(free_port())]
    served = serve(url, *ports, "--no-dashboard")
    running, address = collector(served, kind)
    spans = Spans(99).many(50)
    post = requests.post
    post(f"{address}/v1/traces", body(spans), headers=PROTOBUF, timeout=10).raise_for_status()
    for signal, data in (("metrics", METRIC), ("logs", LOG)) * 2:
        post(f"{address}/v1/{signal}", json=data, timeout=10).raise_for_status()
    wait_for(lambda: stored(url) == len(spans), 30, f"{len(spans)} stored")
    transport = "grpc" if KINDS[kind][0] == "otlp_grpc" else "http"
    for event in ("data_points_received", "log_records_received"):
        name = f'otel_fmd_otlp_total{{transport="{transport}",event="{event}"}}'
        wait_for(lambda name=name: served.metric(name) == 2, 30, f"{event} counted")
    assert running.complaints == []
    chance = random.Random(kind)
    clients = [RetryingClient([f"{address}/v1/traces"], seed) for seed in range(2)]
    for client in clients:
        client.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 0.8))
        served.kill()
        time.sleep(chance.uniform(0, 0.3))
        served = serve(url, *ports, "--no-dashboard")
    taken = [*finish(clients), *(span.span_id for span in spans)]
    wait_for(lambda: stored(url) >= len(taken), 120, f"{len(taken)} stored")
    served.stop()
    assert assert_exactly_once(url, taken) >= len(taken)
    assert "Dropping data" not in running.log


def test_zstd_over_grpc_is_refused_and_named(
    serve: Callable[..., Served],
    new_url: Callable[[str], str],
    collector: Callable[[Served, str], tuple[Client, str]],
) -> None:
    """GRPC's own library takes no zstd; the Collector says what was wrong, and others go on."""
    served = serve(new_url("sqlite"), "--no-dashboard")
    running, address = collector(served, ZSTD_GRPC)
    data = body(Spans(1).many(2))
    requests.post(f"{address}/v1/traces", data, headers=PROTOBUF, timeout=10).raise_for_status()
    wait_for(lambda: "grpc-encoding" in running.log, 30, "a refusal that names the encoding")
    assert requests.post(served.traces, data, headers=PROTOBUF, timeout=10).ok
