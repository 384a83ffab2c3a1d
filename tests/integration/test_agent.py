"""The agent in a Flask app: names, levels, versions; it leaves the app as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import request
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_fmd
from otel_fmd.actions.levels import set_monitor_level
from otel_fmd.people.actor import OPERATOR
from otel_fmd.queries.profiles import profiles
from otel_fmd.queries.rows import requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Endpoint, Reader
from otel_fmd.store.store import Store
from tests.support.look import context_of, rows_on
from tests.support.shop import make_app
from tests.support.waiting import wait_for


def test_endpoints_have_fmds_names_and_users(instrumented: Any) -> None:
    """`blueprint.view`; group-by in all of FMD's forms; the address from a function."""
    app, found, store = instrumented(
        group_by=(lambda: request.args.get("user"), ("static", lambda: 7)),
        get_ip=lambda: "192.0.2.1",
    )
    app.test_client().get("/item/1?user=ana")
    app.test_client().get("/nothing")
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        ids = {e.name: e.id for e in snapshot.endpoints.values()}
        # Those of the URL map may be there, too.
        told = {rule.endpoint for rule in app.url_map.iter_rules()}
        assert set(ids) - told == {"GET (unmatched)"}
        (one,) = requests(snapshot, Selection(endpoint_ids=[ids["shop.item"]])).requests
    assert (one.group_by, one.ip) == ("(ana,(static,7))", "192.0.2.1")


def itself() -> Any:
    """A function that returns a function without end."""
    return itself


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        (lambda: None, None),
        (lambda: lambda: None, None),
        (lambda: "None", "None"),
        (lambda: "(unknown)", "(unknown)"),
        (lambda: ("a", None), "(a,None)"),
        (lambda: 0, "0"),
        (lambda: "", None),
    ],
)
def test_nobody_is_known(instrumented: Any, group_by: Any, expected: str | None) -> None:
    """None is nobody, not a user called None; a user may be called anything."""
    app, found, store = instrumented(group_by=group_by, get_ip=lambda: None)
    app.test_client().get("/item/1", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        (one,) = requests(snapshot, Selection()).requests
    assert one.group_by == expected
    assert one.ip == "192.0.2.7"


def test_a_function_that_returns_itself(instrumented: Any) -> None:
    """The request is answered, and stored."""
    app, found, store = instrumented(group_by=itself)
    assert app.test_client().get("/item/1").status_code == 200
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        assert len(requests(snapshot, Selection()).requests) == 1


def test_levels_follow_the_database(instrumented: Any) -> None:
    """A change in the dashboard takes effect within ten seconds, without a restart."""
    app, found, store = instrumented()
    client = app.test_client()
    client.get("/mixed")
    assert found.force_flush()
    set_monitor_level(OPERATOR, store, 1, 3)

    def profiled() -> bool:
        client.get("/mixed")
        found.force_flush()
        with Reader(store).snapshot() as snapshot:
            return bool(profiles(snapshot, 1, limit=1))

    wait_for(profiled, 15)


def test_the_apps_own_exporters_get_every_span(
    instrumented: Any, kept: InMemorySpanExporter
) -> None:
    """Levels are applied by us: at level 0 the span still reaches the others."""
    app, found, store = instrumented(monitor_level=0)
    app.test_client().get("/item/1")
    found.force_flush()
    assert len(kept.get_finished_spans()) == 1
    with Reader(store).snapshot() as snapshot:
        assert requests(snapshot, Selection()).requests == []


def test_errors_of_group_by_do_not_reach_the_request(
    instrumented: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """They are counted, and logged once."""
    app, found, store = instrumented(group_by=lambda: 1 / 0)
    client = app.test_client()
    assert [client.get("/item/1").status_code for _ in range(5)] == [200] * 5
    assert found.force_flush()
    assert found.processor.errors == 5
    assert len([r for r in caplog.records if "group_by failed" in r.getMessage()]) == 1
    with Reader(store).snapshot() as snapshot:
        assert len(requests(snapshot, Selection()).requests) == 5


def test_uninstrumented_means_silent(instrumented: Any, kept: InMemorySpanExporter) -> None:
    """Afterwards no span is made, the app goes on, and functions of its own stay."""
    app, found, _ = instrumented()
    app.after_request(own := lambda response: response)
    app.test_client().get("/item/1")
    found.uninstrument()
    assert app.after_request_funcs[None] == [own]
    assert app.test_client().get("/item/2").status_code == 200
    assert len(kept.get_finished_spans()) == 1


def test_one_processor_watches_all_apps_of_a_provider(tmp_path: Path) -> None:
    """As with app factories: no request is stored twice."""
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    first, second = make_app(), make_app()
    one = otel_fmd.instrument(first, database_url=url, tracer_provider=provider)
    other = otel_fmd.instrument(second, database_url=url, tracer_provider=provider)
    assert one.processor is other.processor
    first.test_client().get("/item/1")
    second.test_client().get("/item/2")
    assert one.force_flush()
    with Reader(Store(url)).snapshot() as snapshot:
        assert len(requests(snapshot, Selection()).requests) == 2
    one.uninstrument()
    second.test_client().get("/item/3")
    assert other.force_flush()
    with Reader(Store(url)).snapshot() as snapshot:
        assert len(requests(snapshot, Selection()).requests) == 3
    other.uninstrument()


def test_the_version_is_that_of_the_app_or_of_its_git_folder(instrumented: Any) -> None:
    """When the resource of a provider that the app made itself has none."""
    app, found, store = instrumented(app_version="1.7")
    app.test_client().get("/item/1")
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        (one,) = requests(snapshot, Selection()).requests
    assert one.version == "1.7"


def test_a_sampler_that_hides_requests_is_told_of(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """At start for information, with what to do; with a number once requests really are missing."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON

    unsampled = {"traceparent": f"00-{1:032x}-{1:016x}-00"}
    for sampler, hidden in ((DEFAULT_ON, 1), (ALWAYS_ON, 0)):
        caplog.clear()
        caplog.set_level("INFO", "otel_fmd")
        provider = TracerProvider(sampler=sampler)
        url = f"sqlite:///{tmp_path / f'{hidden}.db'}"
        app = make_app()
        found = otel_fmd.instrument(app, database_url=url, tracer_provider=provider)
        app.test_client().get("/item/1")
        told = [r for r in caplog.records if "OTEL_TRACES_SAMPLER=always_on" in r.getMessage()]
        assert [r.levelname for r in told] == ["INFO"] * hidden
        app.test_client().get("/item/1", headers=unsampled)
        told = [r for r in caplog.records if r.getMessage().startswith("1 requests are missing")]
        assert [r.levelname for r in told] == ["WARNING"] * hidden
        assert found.processor.hidden == hidden
        found.uninstrument()


def test_what_nobody_requests_is_listed(instrumented: Any) -> None:
    """As FMD does: from the app's URL map, with no hits, never since the app was seen."""
    app, found, store = instrumented(rename=("shop\\.mixed -> mixed up",))
    app.test_client().get("/item/1")
    assert found.force_flush()

    def named() -> dict[str, Endpoint]:
        with Reader(store).snapshot() as snapshot:
            return {one.name: one for one in snapshot.endpoints.values()}

    expected = {rule.endpoint for rule in app.url_map.iter_rules()}
    expected = expected - {"shop.mixed"} | {"mixed up"}
    assert "shop.mixed" not in expected
    assert len(expected) > 3
    wait_for(lambda: named().keys() >= expected, 20, "the endpoints of the URL map")
    assert named().keys() == expected
    rows = {row["endpoint"]: row for row in rows_on(context_of(store, "/", ""), "overview")}
    assert rows["shop.item"]["hits_overall"] == 1
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    for name in expected - {"shop.item"}:
        assert rows[name]["hits_overall"] == 0
        assert rows[name]["last"] == f"never since {day}"
    app.test_client().get("/mixed")
    assert found.force_flush()
    rows = {row["endpoint"]: row for row in rows_on(context_of(store, "/", ""), "overview")}
    assert rows["mixed up"]["hits_overall"] == 1
    assert rows["mixed up"]["last"].startswith(day)
    assert named().keys() == expected
