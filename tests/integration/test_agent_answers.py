"""A request is what the server answered: whatever hooks, teardowns and bodies do."""

from __future__ import annotations

import functools
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort, jsonify, make_response, send_file, stream_with_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from werkzeug.exceptions import Conflict
from werkzeug.test import EnvironBuilder, run_wsgi_app

import otel_fmd
from otel_fmd.queries.rows import RequestRecord, requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.truth import Truth

Watched = Callable[..., Any]


class Running:
    """An instrumented app below a middleware that tells the truth, served in this thread."""

    def __init__(self, app: Flask, url: str, kept: InMemorySpanExporter, **options: Any) -> None:
        provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
        provider.add_span_processor(SimpleSpanProcessor(kept))
        self.found = otel_fmd.instrument(app, database_url=url, tracer_provider=provider, **options)
        self.truth = Truth(app.wsgi_app)
        self.store = Store(url)

    def ask(self, path: str, **options: Any) -> bytes:
        """As a server does it: the app, its body, `close`; b"" when the app raises."""
        environ = EnvironBuilder(path, **options).get_environ()
        try:
            body, _, _ = run_wsgi_app(self.truth, environ, buffered=True)
            return b"".join(body)
        except (ValueError, ConnectionError):
            return b""

    def rows(self) -> list[tuple[str, RequestRecord]]:
        """Every stored request with its endpoint, in their order."""
        assert self.found.force_flush()
        with Reader(self.store).snapshot() as snapshot:
            newest = requests(snapshot, Selection(), limit=500).requests
            names = {e.id: e.name for e in snapshot.endpoints.values()}
        return [(names[one.endpoint_id], one) for one in reversed(newest)]


@pytest.fixture
def watched(tmp_path: Path, kept: InMemorySpanExporter) -> Iterator[Watched]:
    """Instruments an app into a database of its own."""
    made: list[Running] = []

    def make(app: Flask, **options: Any) -> Running:
        made.append(Running(app, f"sqlite:///{tmp_path / 'fmd.db'}", kept, **options))
        return made[-1]

    yield make
    for one in made:
        one.found.uninstrument()
        one.store.close()


def plain(endpoints: Callable[[Flask], None] | None = None) -> Flask:
    """An app with `/`, and what the test adds."""
    app = Flask("answers")
    app.add_url_rule("/", "index", lambda: "x")
    if endpoints is not None:
        endpoints(app)
    return app


@pytest.mark.parametrize("level", [1, 2, 3])
def test_what_hooks_answer_or_raise_is_a_request(watched: Watched, level: int) -> None:
    """Earlier hooks, URL preprocessors, teardowns that raise: a row with its status for each."""

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/a", "a", lambda: "a")
        app.add_url_rule("/td", "td", lambda: "td")
        app.add_url_rule("/pre/<name>", "pre", lambda name: name)

        @app.before_request
        def guard() -> Any:
            from flask import request

            if request.args.get("deny"):
                return "no", 403
            if request.args.get("boom"):
                raise ValueError("boom")
            return None

        @app.url_value_preprocessor
        def check(endpoint: str | None, values: dict[str, Any] | None) -> None:
            if values and values.get("name") == "bad":
                abort(400)
            if values and values.get("name") == "worse":
                raise ValueError("worse")

    app = plain(endpoints)
    running = watched(app, monitor_level=level)

    @app.teardown_request
    def down(error: BaseException | None) -> None:
        from flask import request

        if request.path == "/td":
            raise ValueError("teardown")

    for path in ("/a", "/a?deny=1", "/a?boom=1", "/td", "/pre/ok", "/pre/bad", "/pre/worse", "/no"):
        running.ask(path)
    found = [(name, one.status_code) for name, one in running.rows()]
    assert found == [
        ("a", 200),
        ("a", 403),
        ("a", 500),
        ("td", 500),
        ("pre", 200),
        ("pre", 400),
        ("pre", 500),
        ("GET (unmatched)", 404),
    ]
    assert [status for _, status in found] == [one.status for one in running.truth.answered]
    assert running.found.processor.errors == 0


def test_a_method_that_no_route_takes_keeps_its_name(watched: Watched) -> None:
    """OpenTelemetry's older conventions, the default, write `_OTHER` and no more."""
    running = watched(plain(lambda app: app.add_url_rule("/a", "a", lambda: "a")))
    for path, method in (("/a", "PROPFIND"), ("/no", "MKCOL"), ("/a", "DELETE"), ("/a", "ODD")):
        running.ask(path, method=method)
    assert [(name, one.status_code) for name, one in running.rows()] == [
        ("PROPFIND (unmatched)", 405),
        ("MKCOL (unmatched)", 404),
        ("DELETE (unmatched)", 405),
        ("_OTHER (unmatched)", 405),
    ]


def test_a_teardown_that_raises_blinds_no_thread(
    watched: Watched, kept: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    """The requests after it are requests, and none has a parent that was left behind.

    Nor does the SDK complain in the app's log, then or as garbage is collected.
    """

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/t", "t", lambda: "t")

    app = plain(endpoints)
    running = watched(app)

    @app.teardown_request
    def down(error: BaseException | None) -> None:
        from flask import request

        if request.path == "/t":
            raise ValueError("teardown")

    before = trace.get_current_span()
    for path in ("/", "/t", "/", "/"):
        running.ask(path)
    assert [name for name, _ in running.rows()] == ["index", "t", "index", "index"]
    assert trace.get_current_span() is before
    spans = kept.get_finished_spans()
    assert [one.parent for one in spans] == [None] * 4
    assert {one.kind for one in spans} == {SpanKind.SERVER}
    gc.collect()
    assert not [one for one in caplog.records if one.name.startswith("opentelemetry")]


@pytest.mark.parametrize("path", ["/nope", "/broken", "/aborted", "/"])
def test_what_a_test_client_never_reads_is_stored(watched: Watched, path: str) -> None:
    """Nor closes, nor lets go of: a whole body is complete as the app returns it."""

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/broken", "broken", lambda: 1 / 0)
        app.add_url_rule("/aborted", "aborted", lambda: abort(409))
        app.config["PROPAGATE_EXCEPTIONS"] = False

    app = plain(endpoints)
    running = watched(app)
    gc.disable()
    try:
        answers = [app.test_client().get(path) for _ in range(20)]
        assert [one.status_code for _, one in running.rows()] == [
            answer.status_code for answer in answers
        ]
        assert len(answers) == 20
    finally:
        gc.enable()


def test_another_apps_stream_is_no_whole_body(watched: Watched) -> None:
    """A view that hands on what another WSGI application streams: until it is closed."""

    def other(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        for _ in range(2):
            time.sleep(0.02)
            yield b"x"

    running = watched(plain(lambda app: app.add_url_rule("/on", "on", lambda: other)))
    assert running.ask("/on") == b"xx"
    ((name, one),) = running.rows()
    assert name == "on"
    assert one.duration >= 40


def test_a_stream_is_stored_as_its_process_ends(watched: Watched) -> None:
    """It was answered; how long it would have gone on nobody knows."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x"

    app = plain(lambda app: app.add_url_rule("/s", "s", lambda: Response(endless())))
    running = watched(app)
    body, status, _ = run_wsgi_app(app.wsgi_app, EnvironBuilder("/s").get_environ())
    assert (next(iter(body)), status) == (b"x", "200 OK")
    running.ask("/")
    assert [name for name, _ in running.rows()] == ["index"]
    running.found.processor.end_streams()
    found = {name: one.status_code for name, one in running.rows()}
    assert found == {"s": 200, "index": 200}
    body.close()
    assert len(running.rows()) == 2


def test_streams_that_begin_while_others_end_do_no_harm(
    watched: Watched, kept: InMemorySpanExporter
) -> None:
    """At a process's end its threads still serve: each stream is ended once, and nothing raises."""
    app = plain(lambda app: app.add_url_rule("/s", "s", lambda: Response(iter((b"x",) * 9))))
    running = watched(app)
    processor = running.found.processor
    begun: list[Any] = []

    class Body:
        """A stream that begins another one as it is ended."""

        def end_now(self) -> None:
            begun.append(run_wsgi_app(app.wsgi_app, EnvironBuilder("/s").get_environ())[0])

    bodies = [Body() for _ in range(3)]
    processor.streams.update((id(body), body) for body in bodies)
    processor.end_streams()
    assert len(begun) == 3
    del bodies
    processor.end_streams()
    assert len(kept.get_finished_spans()) == 3


def test_what_no_server_asked_for_is_no_request(
    watched: Watched, kept: InMemorySpanExporter
) -> None:
    """Contexts that commands and jobs make, by hand or in full: no row, and spans of their own."""
    app = plain()
    running = watched(app)
    with app.test_request_context("/"):
        app.preprocess_request()
    with app.test_request_context("/"):
        app.full_dispatch_request()
    running.ask("/")
    assert [name for name, _ in running.rows()] == ["index"]
    kinds = [span.kind for span in kept.get_finished_spans()]
    assert kinds == [SpanKind.INTERNAL, SpanKind.INTERNAL, SpanKind.SERVER]


def test_error_pages_and_whole_bodies_are_one_request(watched: Watched) -> None:
    """`abort`, returned `HTTPException`s, handled errors, and every kind of whole body."""

    def endpoints(app: Flask) -> None:
        views: dict[str, Any] = {
            "aborted": lambda: abort(409),
            "returned": lambda: Conflict(),
            "raised": lambda: 1 / 0,
            "text": lambda: "x",
            "bytes": lambda: b"x",
            "json": lambda: jsonify(a=1),
            "tuple": lambda: Response(("a", "b")),
            "set_data": lambda: make_response("y", 201),
            "wsgi": lambda: lambda e, s: (s("200 OK", []), [b"w"])[1],
        }
        for name, view in views.items():
            app.add_url_rule(f"/{name}", name, view)
        app.register_error_handler(ZeroDivisionError, lambda error: ("handled", 418))

    names = ["aborted", "returned", "raised", "text", "bytes", "json", "tuple", "set_data", "wsgi"]
    running = watched(plain(endpoints), monitor_level=3)
    for name in names:
        running.ask(f"/{name}")
    found = [(name, one.status_code, one.time_to_first_byte) for name, one in running.rows()]
    statuses = [409, 409, 418, 200, 200, 200, 200, 201, 200]
    assert [one[:2] for one in found] == list(zip(names, statuses, strict=True))
    assert {name for name, _, first in found if first is not None} <= {"wsgi"}


def parts(fail: bool = False) -> Iterator[bytes]:
    """A body that takes its time."""
    for number in range(4):
        time.sleep(0.02)
        yield str(number).encode()
    if fail:
        raise ValueError("in the body")


@pytest.mark.parametrize("level", [1, 3])
def test_a_streamed_body_belongs_to_its_request(
    watched: Watched, tmp_path: Path, kept: InMemorySpanExporter, level: int
) -> None:
    """One row until its end, with its status; when its first byte came; failures noted."""
    (tmp_path / "file").write_bytes(b"f" * 100_000)

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/gen", "gen", lambda: Response(parts()))
        app.add_url_rule("/ctx", "ctx", lambda: Response(stream_with_context(parts())))
        app.add_url_rule("/fail", "fail", lambda: Response(parts(fail=True)))
        app.add_url_rule("/file", "file", lambda: send_file(tmp_path / "file"))

    running = watched(plain(endpoints), monitor_level=level)
    assert running.ask("/gen") == b"0123"
    assert running.ask("/ctx") == b"0123"
    assert running.ask("/fail") == b""
    assert len(running.ask("/file")) == 100_000
    rows = running.rows()
    found = [(name, one.status_code) for name, one in rows]
    assert found == [("gen", 200), ("ctx", 200), ("fail", 200), ("file", 200)]
    for (name, one), truth in zip(rows, running.truth.answered, strict=True):
        assert one.duration == pytest.approx(truth.duration_ms, abs=60), name
        if name != "file":
            assert one.time_to_first_byte is not None
            assert 15 < one.time_to_first_byte < one.duration
            assert one.duration > 75
    failed = [one for one in kept.get_finished_spans() if one.events]
    assert any(e.name == "exception" for one in failed for e in one.events)
    assert len(kept.get_finished_spans()) == 4


def test_a_client_that_goes_away_ends_its_request(watched: Watched) -> None:
    """The server closes the body early: as long as until then."""

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/sse", "sse", lambda: Response(parts(), mimetype="text/event-stream"))

    running = watched(plain(endpoints))
    body, _, _ = run_wsgi_app(running.truth, EnvironBuilder("/sse").get_environ())
    next(iter(body))
    body.close()
    ((name, one),) = running.rows()
    assert (name, one.status_code) == ("sse", 200)
    assert one.duration < 75


def test_spans_made_in_a_body_are_children_of_its_request(
    watched: Watched, kept: InMemorySpanExporter
) -> None:
    """Also where the body leaves a span open between two chunks; nothing leaks out of it."""
    tracer: list[Any] = []

    def body() -> Iterator[bytes]:
        with tracer[0].start_as_current_span("outer"):
            yield b"1"
            with tracer[0].start_as_current_span("inner"):
                yield b"2"

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/gen", "gen", lambda: Response(body()))

    running = watched(plain(endpoints))
    tracer.append(running.found.provider.get_tracer("app"))
    before = trace.get_current_span()
    assert running.ask("/gen") == b"12"
    assert trace.get_current_span() is before
    spans = {one.name: one for one in kept.get_finished_spans()}
    request = spans["GET /gen"]
    assert request.context is not None
    assert spans["outer"].parent is not None
    assert spans["outer"].parent.span_id == request.context.span_id
    assert spans["inner"].parent == spans["outer"].context


def test_a_websocket_is_a_connection_and_has_no_duration(watched: Watched) -> None:
    """Status 101, counted once, nobody's waiting time; only when it was really upgraded."""

    def endpoints(app: Flask) -> None:
        @app.route("/ws", websocket=True)
        def ws() -> Any:
            time.sleep(0.05)
            return Upgraded()

    running = watched(plain(endpoints), monitor_level=3)
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    running.ask("/ws", headers=upgrade)
    running.ask("/", headers=upgrade)
    found = [(name, one.status_code, one.duration) for name, one in running.rows()]
    assert found[0] == ("ws", 101, 0)
    assert found[1][:2] == ("GET (unmatched)", 400)
    assert found[1][2] > 0


def test_a_view_that_dispatches_another_keeps_its_name(watched: Watched) -> None:
    """By a test client, and by a request context of its own."""

    def endpoints(app: Flask) -> None:
        @app.route("/batch")
        def batch() -> str:
            return app.test_client().get("/").text

        @app.route("/inner")
        def inner() -> str:
            with app.test_request_context("/"):
                return app.full_dispatch_request().get_data(as_text=True)

    running = watched(plain(endpoints), monitor_level=3)
    assert running.ask("/batch") == running.ask("/inner") == b"x"
    assert [name for name, _ in running.rows()] == ["batch", "inner"]


def test_the_apps_random_numbers_are_its_own() -> None:
    """A seeded app draws the same numbers with us as without."""
    import subprocess

    script = (
        "import random, sys, tempfile, time\n"
        "from flask import Flask\n"
        "app = Flask('x')\n"
        "@app.route('/')\n"
        "def index():\n"
        "    time.sleep(0.02)\n"
        "    return str(random.random())\n"
        "if sys.argv[1] == 'with':\n"
        "    import otel_fmd\n"
        "    folder = tempfile.mkdtemp()\n"
        "    otel_fmd.instrument(app, database_url=f'sqlite:///{folder}/fmd.db', monitor_level=3)\n"
        "random.seed(7)\n"
        "client = app.test_client()\n"
        "print([client.get('/').text for _ in range(20)])\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script, way], capture_output=True, text=True, check=True
        ).stdout
        for way in ("with", "without")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("0.") == 20
    assert random.Random(7).random() != 0


def test_durations_are_those_of_the_outermost_layer(watched: Watched) -> None:
    """Also of profiled requests and outliers: what is made of them comes after their end."""

    def endpoints(app: Flask) -> None:
        @app.route("/deep")
        def deep() -> str:
            def down(left: int) -> None:
                if left:
                    down(left - 1)
                else:
                    end = time.perf_counter() + 0.03
                    while time.perf_counter() < end:
                        pass

            down(40)
            return "x"

    running = watched(plain(endpoints), monitor_level=3, outlier_min_requests=1)
    for _ in range(15):
        running.ask("/deep")
    errors = [
        abs(one.duration - truth.duration_ms)
        for (_, one), truth in zip(running.rows(), running.truth.answered, strict=True)
    ]
    print("milliseconds beside the outermost layer:", [round(one, 3) for one in sorted(errors)])
    assert sorted(errors)[len(errors) // 2] < 0.3


class Upgraded(Response):
    """What flask-sock answers: the socket was the view's."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Nothing is left to answer: so the server is told."""
        raise ConnectionError


class View:
    """A view that is an object."""

    __name__ = "view"

    def __call__(self, number: int = 1) -> str:
        """Wait, so that a sample hits it."""
        time.sleep(0.25)
        return "x"


def test_views_that_are_objects_or_partial_functions_have_profiles(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """And one without Python code is told of, once."""
    from otel_fmd.queries.profiles import profiles

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/object", "object", View())
        app.add_url_rule("/partial", "partial", functools.partial(View.__call__, View(), number=2))
        app.add_url_rule("/c", "c", str)

    running = watched(plain(endpoints), monitor_level=3)
    for path in ("/object", "/partial", "/c", "/c"):
        running.ask(path)
    running.rows()
    with Reader(running.store).snapshot() as snapshot:
        ids = {e.name: e.id for e in snapshot.endpoints.values()}
        for name in ("object", "partial"):
            (one,) = profiles(snapshot, ids[name])
            assert any("time.sleep(0.25)" in line.code for line in one.lines), name
    told = [one for one in caplog.records if "no profiles of endpoint 'c'" in one.getMessage()]
    assert len(told) == 1


def test_connections_are_in_no_figure_of_durations(watched: Watched) -> None:
    """Counted among the hits; medians are those of the other requests, from rows and histograms."""
    from otel_fmd.analysis.rollup import Rollup
    from otel_fmd.queries.counts import total
    from otel_fmd.queries.latency import distributions
    from otel_fmd.rollups.recount import check

    def endpoints(app: Flask) -> None:
        app.add_url_rule("/ws", "ws", lambda: Upgraded(), websocket=True)
        app.add_url_rule("/slow", "slow", lambda: time.sleep(0.02) or "x")

    running = watched(plain(endpoints))
    for _ in range(3):
        running.ask("/ws", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
        running.ask("/slow")
    running.rows()
    with Reader(running.store).snapshot() as snapshot:
        assert total(snapshot, Selection()) == 6
        found = distributions(snapshot, Selection(), ["endpoint_id"])
        names = {e.id: e.name for e in snapshot.endpoints.values()}
    assert {names[key[0]] for key in found} == {"slow"}
    assert check(running.store) == []
    rollup = Rollup()
    rollup.add([1, 1], [1, 1], [101, 200], [0, 0], [0, 5_000_000])
    assert sum(rollup.buckets.values()) == 1
