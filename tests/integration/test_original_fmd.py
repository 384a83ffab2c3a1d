"""The original FMD 5.1.0 opens a database that we wrote, and reports the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, update

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.people.setup import prepare_first_user
from otel_fmd.queries.counts import sums
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import requests_of

PASSWORD = "correct horse"
SCRIPT = """
import json, sys
from flask import Flask
import flask_monitoringdashboard as dashboard
dashboard.config.database_name = sys.argv[1]
dashboard.config.table_prefix = sys.argv[2]
app = Flask(__name__)
app.secret_key = "x"
dashboard.bind(app)
client = app.test_client()
login = client.post("/dashboard/login", data={"name": "admin", "password": sys.argv[3]})
found = {"login": login.status_code}
for path, body in json.loads(sys.argv[4]):
    path_ = "/dashboard/api/" + path
    answer = client.get(path_) if body is None else client.post(path_, json=body)
    found[path] = answer.get_json() if answer.status_code == 200 else answer.status_code
print("RESULT" + json.dumps(found))
"""


def ask(python: Path, url: str, *paths: str, prefix: str = "", **posted: dict) -> dict:
    """What FMD's REST API answers on a database; `posted` are bodies by path (`__` for `/`)."""
    asked = [(path, None) for path in paths]
    asked += [(path.replace("__", "/"), body) for path, body in posted.items()]
    command = [str(python), "-c", SCRIPT, url, prefix, PASSWORD, json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert lines, done.stdout + done.stderr
    return json.loads(lines[0].removeprefix("RESULT"))


@pytest.mark.parametrize("engine", ["sqlite", "mariadb"])
@pytest.mark.parametrize("prefix", ["", "my_"])
def test_it_reports_the_same_hits(
    fmd_python: Path,
    new_url: Callable[[str], str],
    open_store: Callable[..., Store],
    engine: str,
    prefix: str,
) -> None:
    """Hits per endpoint, users, addresses, versions, status codes and outliers."""
    url = new_url(engine)
    store = open_store(url, prefix)
    prepare_first_user(store, "admin", PASSWORD)
    writer = BatchWriter(store, OutlierRule())
    spans = []
    for seed in range(12):
        attributes = flask_attributes(
            f"/items/{seed % 3}",
            **{"enduser.id": f"user{seed % 4}", "http.status_code": 500 if seed == 5 else 200},
        )
        spans += [Spans(seed * 100 + n).span(attributes, duration_ms=10 + n) for n in range(20)]
    spans += [Spans(9_999).span(flask_attributes("/items/0"), duration_ms=400)]
    writer.write(Batch(requests_of(spans)))
    with store.write() as connection:
        connection.execute(update(store.tables.endpoint).values(monitor_level=1))
    theirs = url.replace("mariadb://", "mysql+pymysql://")
    found = ask(
        fmd_python,
        theirs,
        "endpoints_hits",
        "users/1",
        "ip/1",
        "versions/1",
        "endpoint_status_code_distribution/1",
        "num_outliers/1",
        "outlier_table/1/0/10",
        "outlier_graph/1",
        "overview",
        prefix=prefix,
    )
    with Reader(store).snapshot() as snapshot:
        hits = {
            snapshot.endpoints[number].name: one.number
            for (number,), one in sums(snapshot, Selection(), ("endpoint_id",)).items()
        }
        name = snapshot.endpoints[1].name
    reported = {row["name"]: row["hits"] for row in found["endpoints_hits"] if row["hits"]}
    assert found["login"] in (200, 302)
    assert reported == hits
    assert sum(row["hits"] for row in found["users/1"] if row["user"]) in (
        hits[name],
        hits[name] - 1,
    )
    assert [row["hits"] for row in found["ip/1"]] == [hits[name]]
    assert [row["version"] for row in found["versions/1"]] == ["1.0"]
    assert sum(found["endpoint_status_code_distribution/1"].values()) == pytest.approx(1)
    assert found["num_outliers/1"] == (1 if name == "GET /items/0" else 0)
    assert isinstance(found["outlier_graph/1"], list)
    overview = {row["name"]: row["hits-overall"] for row in found["overview"]}
    assert {k: v for k, v in overview.items() if v} == hits
    with store.read() as connection:
        indexes = {
            index["name"]: index["column_names"]
            for index in inspect(connection).get_indexes(store.tables.request.name)
        }
    assert indexes[f"ix_{prefix}request_endpoint_duration"] == ["endpoint_id"]
