"""Monitor levels over OTLP: the receiver tells them, agents take them over, wherever they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from otel_fmd.actions.levels import set_monitor_level
from otel_fmd.agent.remote_levels import RemoteLevels
from otel_fmd.agent.url_map import NewEndpoints
from otel_fmd.errors import LevelsUnavailableError
from otel_fmd.otlp_target import otlp_target
from otel_fmd.people.actor import OPERATOR
from otel_fmd.queries.profiles import profile_count
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.apps import running_app
from tests.support.serving import Served
from tests.support.spans import Spans, body
from tests.support.waiting import free_port, wait_for

PROTOBUF = {"Content-Type": "application/x-protobuf"}
APP = """
import time
from flask import Flask
app = Flask(__name__)

@app.route("/slow")
def slow():
    time.sleep(0.02)
    return "x"
"""


def test_levels_are_told_and_told_again_only_when_they_changed(
    new_url: Callable[[str], str], serve: Callable[..., Served]
) -> None:
    """With an ETag; an unknown service has none."""
    served = serve(new_url("sqlite"), "--no-dashboard")
    requests.post(served.traces, body(Spans(1).many(40)), headers=PROTOBUF, timeout=10)

    def folded() -> bool:
        return RemoteLevels(served.http, "shop", "")()["GET /items/<int:i>"].count == 40

    wait_for(folded)
    ask = RemoteLevels(served.http, "shop", "")
    found = ask()
    assert {name: (one.level, one.count) for name, one in found.items()} == {
        "GET /items/<int:i>": (2, 40)
    }
    assert ask() == {}
    store = Store(served.database_url)
    set_monitor_level(OPERATOR, store, 1, 3)
    store.close()
    assert ask()["GET /items/<int:i>"].level == 3
    assert RemoteLevels(served.http, "nobody", "")() == {}
    answer = requests.get(f"{served.http}/v1/agent/levels", timeout=10)
    assert answer.status_code == 400


def test_agents_tell_the_endpoints_of_their_apps(
    new_url: Callable[[str], str], serve: Callable[..., Served]
) -> None:
    """Once, and those that come later; they are there before anybody requests them."""
    served = serve(new_url("sqlite"), "--no-dashboard", OTEL_FMD_RENAME="old -> new")
    app = Flask("shop")
    app.add_url_rule("/old", "old", lambda: "x")
    posts: list[list[str]] = []

    class Counted(RemoteLevels):
        def _report(self, names: list[str]) -> bool:
            posts.append(names)
            return super()._report(names)

    ask = Counted(served.http, "shop", "", "1.5", NewEndpoints([app]))
    assert ask().keys() == {"new", "static"}
    assert ask() == {}
    app.add_url_rule("/later", "later", lambda: "x")
    assert ask().keys() == {"new", "static", "later"}
    assert posts == [["old", "static"], ["later"]]
    # Another process of the same app: nothing is made twice.
    assert Counted(served.http, "shop", "", "1.5", NewEndpoints([app]))().keys() == {
        "new", "static", "later",
    }  # fmt: skip
    store = Store(served.database_url)
    with store.read() as connection:
        rows = connection.execute(store.tables.endpoint.select()).all()
    store.close()
    assert len(rows) == 3
    assert all(row.last_requested is None and row.time_added is not None for row in rows)
    assert {row.version_added for row in rows} == {"1.5"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"service": "a"}', 400),
        (b'{"service": "", "version": "", "endpoints": []}', 400),
        (b'{"service": "a", "version": "", "endpoints": "abc"}', 400),
        (b'{"service": "a", "version": "", "endpoints": [1]}', 400),
        (b'{"service": "a", "version": null, "endpoints": []}', 400),
        (b"[" * 100_000, 400),
        (b" " * 600_000, 413),
        (b'{"service": "a", "version": "", "endpoints": []}', 204),
        (b'{"service": "a", "version": "", "endpoints": ["\\u0000", " ", "\\ud800"]}', 204),
    ],
)
def test_what_is_no_list_of_endpoints(served_once: Served, data: bytes, code: int) -> None:
    """An answer that says what was expected; nothing breaks."""
    url = f"{served_once.http}/v1/agent/endpoints"
    answer = requests.post(url, data, timeout=10)
    assert answer.status_code == code
    if code == 400:
        assert "expected" in answer.json()["error"]
    assert requests.get(url, timeout=10).status_code == 405


def test_endpoints_are_taken_from_whoever_has_the_token(
    new_url: Callable[[str], str], serve: Callable[..., Served]
) -> None:
    """Others are refused before their body."""
    served = serve(new_url("sqlite"), "--no-dashboard", OTEL_FMD_OTLP_TOKEN="secret")
    url = f"{served.http}/v1/agent/endpoints"
    data = b'{"service": "a", "version": "", "endpoints": ["b"]}'
    assert requests.post(url, data, timeout=10).status_code == 401
    headers = {"Authorization": "Bearer secret"}
    assert requests.post(url, data, headers=headers, timeout=10).status_code == 204


@pytest.fixture(scope="module")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for many questions."""
    path = tmp_path_factory.mktemp("told") / "fmd.db"
    served = Served(f"sqlite:///{path}", "--no-dashboard")
    yield served
    assert not [line for line in served.errors if "Traceback" in line]
    served.stop()


def test_a_token_is_asked_for(new_url: Callable[[str], str], serve: Callable[..., Served]) -> None:
    """By the levels and by both transports, with 401 and UNAUTHENTICATED."""
    import grpc
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

    from tests.support.spans import payload

    served = serve(new_url("sqlite"), "--no-dashboard", OTEL_FMD_OTLP_TOKEN="secret")
    with pytest.raises(LevelsUnavailableError, match="401"):
        RemoteLevels(served.http, "shop", "wrong")()
    assert RemoteLevels(served.http, "shop", "secret")() == {}
    data = body(Spans(1).many(3))
    refused = requests.post(served.traces, data, headers=PROTOBUF, timeout=10)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    told = {**PROTOBUF, "Authorization": "Bearer secret"}
    assert requests.post(served.traces, data, headers=told, timeout=10).status_code == 200
    with grpc.insecure_channel(served.grpc) as channel:
        stub = TraceServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Export(payload(Spans(2).many(3)))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        stub.Export(payload(Spans(2).many(3)), metadata=[("authorization", "Bearer secret")])


def test_a_receiver_that_is_away_changes_nothing() -> None:
    """The last known levels stay."""
    with pytest.raises(LevelsUnavailableError, match="levels"):
        RemoteLevels(f"http://127.0.0.1:{free_port()}", "shop", "")()


@pytest.mark.parametrize(
    ("environ", "levels"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:4318"}, "http://host:4318"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:4317"}, "http://host:4318"),
        (
            {
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://h/p/v1/traces",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "https://h/p",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:9999"}, ""),
    ],
)
def test_levels_are_asked_for_where_spans_go(environ: dict[str, str], levels: str) -> None:
    """By the standard variables."""
    target = otlp_target(environ)
    assert target is not None
    assert target.levels_url == levels


def test_a_change_takes_effect_in_every_worker_within_ten_seconds(
    tmp_path: Path, new_url: Callable[[str], str], serve: Callable[..., Served]
) -> None:
    """Zero code, two gunicorn workers over OTLP: profiles come from both after the change."""
    served = serve(new_url("sqlite"), "--no-dashboard")
    (tmp_path / "app.py").write_text(APP)
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": served.http,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "remote",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    command = ["opentelemetry-instrument", "gunicorn", "app:app", "--bind", "127.0.0.1:{port}"]
    command += ["--workers", "2", "--preload"]
    store = Store(served.database_url)
    with running_app(command, "/slow", tmp_path, **environment) as app:

        def name() -> str | None:
            app.get("/slow")
            with store.read() as connection:
                return connection.execute(select(store.tables.endpoint.c.name)).scalar()

        assert wait_for(name) == "slow"
        set_monitor_level(OPERATOR, store, 1, 3)

        def profiles() -> int:
            for _ in range(6):
                app.get("/slow")
            with Reader(store).snapshot() as snapshot:
                return profile_count(snapshot, 1)

        wait_for(lambda: profiles() > 10, 12, "profiles ten seconds after the change")
    store.close()
