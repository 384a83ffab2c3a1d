"""Adopting databases that the original FMD 5.1.0 wrote, in SQLite and MariaDB."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from otel_fmd.actions.adoption import adopt
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.errors import SchemaError
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.people.actor import OPERATOR
from otel_fmd.people.users import verify
from otel_fmd.queries.counts import sums, total
from otel_fmd.queries.outliers import outliers
from otel_fmd.queries.rows import requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.adopted import build_rollups
from otel_fmd.rollups.recount import check
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from tests.integration.test_original_fmd import PASSWORD, ask
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of

WRITE = """
import sys
from datetime import datetime, timedelta
from flask import Flask
import flask_monitoringdashboard as dashboard
dashboard.config.database_name = sys.argv[1]
dashboard.config.table_prefix = sys.argv[2]
dashboard.config.monitor_level = 1
app = Flask(__name__)
app.secret_key = "x"

@app.route("/item/<int:i>")
def item(i):
    return str(i)

@app.route("/other")
def other():
    return "x"

dashboard.bind(app)
from flask_monitoringdashboard.database import (
    CodeLine, Endpoint, Outlier, Request, StackLine, User, session_scope)
client = app.test_client()
client.get("/item/1")
with session_scope() as session:
    made = User(username="admin", is_admin=True)
    made.set_password(sys.argv[3])
    session.query(User).delete()
    session.add(made)
    names = {e.name: e.id for e in session.query(Endpoint)}
    for name in ("item", "other"):
        if name not in names:
            one = Endpoint(name=name, monitor_level=1)
            session.add(one)
            session.flush()
            names[name] = one.id
    start = datetime(2026, 9, 1)
    for n in range(2500):
        one = Request(
            endpoint_id=names["item" if n % 3 else "other"], duration=10.0 + n % 40,
            time_requested=start + timedelta(minutes=7 * n), version_requested="1.%d" % (n // 1000),
            group_by="user%d" % (n % 5), ip="10.0.0.%d" % (n % 3),
            status_code=500 if n % 50 == 0 else 200)
        session.add(one)
        if n == 100:
            session.flush()
            session.add(Outlier(
                request_id=one.id, request_url="http://x/item/1?token=s3cret",
                request_header="Host: x\\r\\nCookie: session=s3cret",
                request_environment="{}", cpu_percent="[1.0]", memory="m", stacktrace="s"))
            line = CodeLine(filename="a.py", line_number=1, function_name="item", code="def item")
            session.add(line)
            session.flush()
            session.add(StackLine(
                request_id=one.id, code_id=line.id, position=0, indent=0, duration=9.0))
"""


@pytest.fixture(params=[("sqlite", ""), ("sqlite", "my_"), ("mariadb", ""), ("mariadb", "my_")])
def written(
    request: pytest.FixtureRequest, fmd_python: Path, new_url: Callable[[str], str]
) -> tuple[str, str]:
    """The URL and prefix of a database that FMD wrote."""
    engine, prefix = request.param
    url = new_url(engine)
    theirs = url.replace("mariadb://", "mysql+pymysql://")
    command = [str(fmd_python), "-c", WRITE, theirs, prefix, PASSWORD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return url, prefix


def test_history_and_users_are_kept_and_the_original_still_reads(
    written: tuple[str, str], fmd_python: Path
) -> None:
    """Same hits in our figures, in the rows, and in FMD's own REST API; its index stays away."""
    url, prefix = written
    with pytest.raises(SchemaError, match="migrate"):
        ensure_schema(Store(url, prefix))
    theirs = url.replace("mariadb://", "mysql+pymysql://")
    before = ask(fmd_python, theirs, "endpoints_hits", "num_outliers/1", prefix=prefix)
    command = [sys.executable, "-m", "otel_fmd", "migrate", "--database-url", url]
    command += ["--table-prefix", prefix, "--service", "shop"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "adopted requests" in done.stdout

    store = Store(url, prefix)
    with Reader(store).snapshot() as snapshot:
        hits = {
            snapshot.endpoints[n].name: one.number
            for (n,), one in sums(snapshot, Selection(), ("endpoint_id",)).items()
        }
        assert {e.service for e in snapshot.endpoints.values()} == {"shop"}
        item = next(n for n, e in snapshot.endpoints.items() if e.name == "item")
        (outlier,) = outliers(snapshot, item)
        assert outlier.url == "http://x/item/1?token=[redacted]"
        assert outlier.headers == "Host: x\r\nCookie: [redacted]"
        day = 20_697 * 24  # 2026-09-01
        first = Selection(day, day + 24, [item])
        page = requests(snapshot, first, limit=500)
        assert len(page.requests) == total(snapshot, first) > 100
    assert hits == {row["name"]: row["hits"] for row in before["endpoints_hits"] if row["hits"]}
    assert check(store) == []
    user = verify(store, "admin", PASSWORD)
    assert user is not None
    assert user.is_admin

    writer = BatchWriter(store, OutlierRule())
    assert writer.write(Batch(requests_of(Spans(1).many(40), service="shop"))).stored == 40
    after = ask(fmd_python, theirs, "endpoints_hits", "num_outliers/1", prefix=prefix)
    grown = {row["name"]: row["hits"] for row in after["endpoints_hits"] if row["hits"]}
    assert grown == {**hits, "GET /items/<int:i>": 40}
    assert after["num_outliers/1"] == before["num_outliers/1"]
    with store.read() as connection:
        indexes = {
            index["name"]: index["column_names"]
            for index in inspect(connection).get_indexes(f"{prefix}Request")
        }
        kinds = {
            c["name"]: str(c["type"]) for c in inspect(connection).get_columns(f"{prefix}Request")
        }
    assert indexes[f"ix_{prefix}request_endpoint_duration"] == ["endpoint_id"]
    if store.database.name == "mariadb":
        assert kinds["id"].startswith("BIGINT")
        assert kinds["duration"].startswith("DOUBLE")
    assert check(store) == []
    store.close()


def test_an_interrupted_adoption_goes_on(written: tuple[str, str]) -> None:
    """What was counted stays counted; nothing is counted twice."""
    url, prefix = written
    store = Store(url, prefix)

    def stop(_done: int, _whole: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(OPERATOR, store, "flask", 500, stop)
    assert build_rollups(store, 500) >= 0
    assert adopt(OPERATOR, store, "flask", 500) == 0
    assert check(store) == []
    store.close()


def test_fewer_tables_of_an_older_fmd_are_enough(tmp_path: Path) -> None:
    """FMD 3.x had no exceptions, no alerts, and fewer columns."""
    store = Store(f"sqlite:///{tmp_path / 'old.db'}")
    with store.write() as connection:
        for statement in (
            "CREATE TABLE User (id INTEGER PRIMARY KEY, username VARCHAR(250) NOT NULL UNIQUE, "
            "password_hash VARCHAR(128) NOT NULL, is_admin BOOLEAN)",
            "CREATE TABLE Endpoint (id INTEGER PRIMARY KEY, name VARCHAR(250) NOT NULL UNIQUE, "
            "monitor_level INTEGER, time_added DATETIME, version_added VARCHAR(100), "
            "last_requested DATETIME)",
            "CREATE TABLE Request (id INTEGER PRIMARY KEY, endpoint_id INTEGER, "
            "duration FLOAT NOT NULL, time_requested DATETIME, version_requested VARCHAR(100), "
            "group_by VARCHAR(100), ip VARCHAR(100) NOT NULL)",
            "INSERT INTO Endpoint VALUES (1, 'main', 1, NULL, '1.0', NULL)",
            "INSERT INTO Request VALUES (1, 1, 5.5, '2020-02-02 02:02:02.000000', '1', NULL, 'x')",
        ):
            connection.execute(text(statement))
    assert adopt(OPERATOR, store, "flask", 500) == 1
    assert check(store) == []
    with store.read() as connection:
        assert connection.execute(select(store.tables.request.c.status_code)).scalar() is None
    store.close()


def test_a_database_without_fmd_is_said_to_be_so(tmp_path: Path) -> None:
    """Nothing is made up."""
    with pytest.raises(SchemaError, match="no tables of FMD"):
        adopt(OPERATOR, Store(f"sqlite:///{tmp_path / 'new.db'}"), "flask", 500)
