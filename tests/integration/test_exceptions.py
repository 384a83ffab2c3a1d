"""Exceptions from real apps: in the app's process, over OTLP, from other languages; and in FMD."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.people.setup import prepare_first_user
from otel_fmd.queries.exception_groups import Groups, totals
from otel_fmd.queries.exception_occurrences import Occurrence, chain, occurrences, sources
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.views.fmd.exceptions import endpoint_exceptions, exception_list, num_exceptions
from tests.integration.test_original_fmd import PASSWORD, ask
from tests.support.apps import running_app
from tests.support.raising import batch_of, place_an_order, raised, read_a_file, with_exception
from tests.support.serving import Served
from tests.support.spans import Spans, flask_attributes
from tests.support.waiting import wait_for

APP = """
import threading
import flask
import otel_fmd

app = flask.Flask(__name__)

class Wallet:
    def __repr__(self):
        raise SystemError("never called")

def charge(wallet, password):
    amount = {"cents": 499}
    raise PermissionError(f"card {wallet.number if False else 7} refused")

@app.route("/")
def home():
    return "up"

@app.route("/boom/<int:i>")
def boom(i):
    charge(Wallet(), "hunter2hunter2")

@app.route("/handled")
def handled():
    try:
        {}["missing"]
    except KeyError as error:
        assert otel_fmd.capture(error)
    return "fine"

@app.route("/again")
def again():
    try:
        raise ValueError("seen, and not stopped")
    except ValueError:
        otel_fmd.capture()
        raise

@app.route("/thread")
def thread():
    def work():
        try:
            int("x")
        except ValueError:
            otel_fmd.capture()
    one = threading.Thread(target=work)
    one.start()
    one.join()
    return "fine"

@app.route("/many")
def many():
    for number in range(1000):
        otel_fmd.capture(OSError(f"attempt {number % 3}"))
    return "fine"

@app.route("/twice")
def twice():
    try:
        try:
            {}[1]
        except KeyError:
            otel_fmd.capture()
            raise
    except KeyError:
        otel_fmd.capture()
    return "fine"

@app.route("/nothing")
def nothing():
    return str(otel_fmd.capture())
"""


LOOK: Any = None
"""FMD's routes about exceptions depend on no selection."""


class Found:
    """What a database has of exceptions."""

    def __init__(self, url: str) -> None:
        store = Store(url)
        with Reader(store).snapshot() as snapshot:
            self.groups = Groups(snapshot)
            self.totals: Counter[str] = Counter()
            for number, one in totals(snapshot, self.groups, list(self.groups.all)).items():
                self.totals[self.groups.all[number].type] += one.occurrences
            self.occurrences: dict[str, list[Occurrence]] = {}
            for group in self.groups.all.values():
                variants = self.groups.variants([group.id])
                self.occurrences.setdefault(group.type, []).extend(
                    occurrences(snapshot, variants, before=None, limit=100)
                )
            self.chains = {
                one.stack_trace_id: chain(snapshot, one.stack_trace_id)
                for found in self.occurrences.values()
                for one in found
            }
            self.sources = sources(snapshot, list(self.chains))
        store.close()

    def one(self, kind: str) -> Occurrence:
        """The newest occurrence of a type."""
        return self.occurrences[kind][0]


def enough(url: str, **expected: int) -> bool:
    """Whether each type was counted so often."""
    try:
        found = Found(url)
    except Exception:
        return False
    return all(found.totals.get(kind, 0) >= number for kind, number in expected.items())


@pytest.mark.parametrize("way", ["exporter", "otlp"])
def test_an_app_that_raises(
    serve: Callable[..., Served], new_url: Callable[[str], str], tmp_path: Path, way: str
) -> None:
    """Types, requests, the source of functions, variables; handled ones; each once."""
    url = new_url("sqlite")
    environment = {"OTEL_FMD_EXCEPTION_VARIABLES": "true", "OTEL_SERVICE_NAME": "shop"}
    if way == "exporter":
        environment |= {"OTEL_TRACES_EXPORTER": "fmd", "OTEL_FMD_DATABASE_URL": url}
    else:
        served = serve(url, "--no-dashboard")
        environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": served.http,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
    environment |= {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    (tmp_path / "app.py").write_text(APP)
    command = ["opentelemetry-instrument", "flask", "--app", "app", "run", "--port", "{port}"]
    with running_app(command, "/", tmp_path, **environment) as app:
        for i in range(3):
            assert app.get(f"/boom/{i}").status_code == 500
        for path in ("/handled", "/thread", "/many", "/twice"):
            assert app.get(path).text == "fine"
        assert app.get("/again").status_code == 500
        assert app.get("/nothing").text == "False"
        wait_for(
            lambda: enough(url, PermissionError=3, KeyError=2, ValueError=2, OSError=1000),
            30,
            "all is stored",
        )
    found = Found(url)
    expected = {"PermissionError": 3, "KeyError": 2, "ValueError": 2, "OSError": 1000}
    assert found.totals == expected
    refused = found.one("PermissionError")
    assert refused.request_id is not None
    assert not refused.is_captured
    (link,) = found.chains[refused.stack_trace_id].links
    own = [frame for frame in link.frames if frame.in_app]
    assert [frame.function for frame in own] == ["boom", "charge"]
    source = found.sources[own[1].file, own[1].line or 0]
    assert source.code.startswith("def charge(wallet, password):")
    assert source.code.splitlines()[(own[1].line or 0) - source.start].strip().startswith("raise")
    variables = {}
    for occurrence in found.occurrences["PermissionError"]:
        variables |= occurrence.details.get("variables", {})
    kept = json.loads(variables[f"{own[1].file}:{own[1].line}"])
    assert kept["amount"] == "{'cents': 499}"
    assert kept["wallet"] == "<app.Wallet>"
    assert "hunter2" not in str(variables)
    handled = found.one("KeyError")
    assert handled.is_captured
    assert handled.request_id is not None
    values = {one.message: one for one in found.occurrences["ValueError"]}
    stopped = values["seen, and not stopped"]
    assert not stopped.is_captured
    assert stopped.request_id is not None
    assert values["invalid literal for int() with base 10: 'x'"].request_id is None


def test_the_original_dashboard_has_the_same_exceptions(
    fmd_python: Path, new_url: Callable[[str], str], open_store: Callable[..., Store]
) -> None:
    """FMD 5.1.0 over our database: the same groups, stack traces and sources as ours shows."""
    url = new_url("sqlite")
    store = open_store(url)
    prepare_first_user(store, "admin", PASSWORD)
    made = Spans()
    errors = [raised(place_an_order, 7), raised(read_a_file, "a"), raised(read_a_file, "b")]
    errors.append(raised(lambda: place_an_order(8)))
    spans = [
        with_exception(made.span(flask_attributes(f"/{place % 2}")), error)
        for place, error in enumerate((*errors, *errors))
    ]
    BatchWriter(store, OutlierRule()).write(batch_of(spans))
    with store.read() as connection:
        tables = store.tables
        function = tables.function_definition.c
        code = connection.execute(
            select(function.id, function.code).where(function.name == "place_an_order")
        ).one()
    found = ask(
        fmd_python,
        url,
        "num_exceptions",
        "num_exceptions/1",
        "num_exceptions/2",
        "exception_occurrence/0/100",
        "detailed_exception_occurrence/1/0/100",
        f"function_code/{code.id}",
    )
    ours = Found(url)
    assert found["login"] in (200, 302)
    with Reader(store).snapshot() as snapshot:
        ours = {
            "num_exceptions": num_exceptions(snapshot, LOOK),
            "num_exceptions/1": num_exceptions(snapshot, LOOK, 1),
            "num_exceptions/2": num_exceptions(snapshot, LOOK, 2),
        }
        shown = exception_list(snapshot, LOOK, 0, 100)
        detailed = endpoint_exceptions(snapshot, LOOK, 1, 0, 100)
    assert {name: found[name] for name in ours} == ours
    listed: list[dict[str, Any]] = found["exception_occurrence/0/100"]

    def plain(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
        return Counter((one["type"], one["message"], one["count"]) for one in rows)

    assert plain(listed) == plain(shown)
    assert sum(one["count"] for one in listed) == sum(Found(url).totals.values()) == 8
    theirs = found["detailed_exception_occurrence/1/0/100"]
    assert plain(theirs) == plain(detailed)
    frames = theirs[0]["stack_trace_snapshot"]
    assert frames[0]["file_path"].endswith("tests/support/raising.py")
    assert frames[0]["line_number"] > 0
    assert "raise ValueError" in found[f"function_code/{code.id}"]
