"""Websockets of flask-sock under the servers that carry them, by a client of their own."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import simple_websocket
from sqlalchemy import func, select

from otel_fmd.store.store import Store
from tests.support.apps import counted, running_app
from tests.support.waiting import wait_for

APP = """
import flask
import otel_fmd
from flask import Flask
from flask_sock import Sock

app = Flask("talks")
sock = Sock(app)

@sock.route("/echo")
def echo(ws):
    while True:
        ws.send(ws.receive())

@sock.route("/greet")
def greet(ws):
    ws.send(ws.receive())

@sock.route("/fail")
def fail(ws):
    ws.send(ws.receive())
    raise LookupError("no such room")

@app.before_request
def refuse():
    if "refuse" in flask.request.args:
        return "no", 403

@app.route("/")
def index():
    return "x"

otel_fmd.instrument(app, monitor_level=3, outlier_min_requests=1)
"""
BIND = ["--bind", "127.0.0.1:{port}"]
SERVERS = {
    "flask": ["flask", "--app", "app", "run", "--port", "{port}"],
    "gunicorn gthread": ["gunicorn", "app:app", *BIND, "-k", "gthread", "--threads", "8"],
    "gunicorn gevent": ["gunicorn", "app:app", *BIND, "-k", "gevent"],
}


@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS.keys())
def test_a_websocket_is_one_connection_however_it_ends(command: list[str], tmp_path: Path) -> None:
    """Closed by either side, or gone: status 101, no duration, no profile, no outlier."""
    (tmp_path / "app.py").write_text(APP)
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    with running_app(command, "/", tmp_path, OTEL_FMD_DATABASE_URL=url) as app:
        base = app.base.replace("http", "ws")
        talking = simple_websocket.Client(f"{base}/echo")
        gone = simple_websocket.Client(f"{base}/echo")
        for n in range(20):
            talking.send(f"{n} é")
            assert talking.receive(timeout=5) == f"{n} é"
            assert app.get("/").text == "x"
        greeted = simple_websocket.Client(f"{base}/greet")
        greeted.send("hello")
        assert greeted.receive(timeout=5) == "hello"
        with pytest.raises(simple_websocket.ConnectionClosed):
            greeted.receive(timeout=5)
        time.sleep(0.3)
        talking.close()
        gone.sock.shutdown(socket.SHUT_RDWR)
        failing = simple_websocket.Client(f"{base}/fail")
        failing.send("hello")
        assert failing.receive(timeout=5) == "hello"
        with pytest.raises(simple_websocket.ConnectionError):
            simple_websocket.Client(f"{base}/echo?refuse")
        assert app.get("/echo").status_code == 400, "it did not ask for a websocket"
        wait_for(lambda: counted(url) == 27, 20, "all are stored")
    store = Store(url)
    request, endpoint = store.tables.request.c, store.tables.endpoint.c
    with store.read() as connection:
        columns = endpoint.name, request.status_code, request.duration, request.id
        rows = connection.execute(
            select(*columns).where(request.endpoint_id == endpoint.id).order_by(request.id)
        ).all()
        with_more = {
            kind.name: connection.execute(
                select(func.count()).where(
                    kind.c.request_id.in_([row.id for row in rows if row.status_code == 101])
                )
            ).scalar_one()
            for kind in (store.tables.profile, store.tables.outlier)
        }
    store.close()
    assert len(rows) == 27
    sockets = sorted((row.name, row.duration) for row in rows if row.status_code == 101)
    assert sockets == [("echo", 0), ("echo", 0), ("fail", 0), ("greet", 0)]
    others = [row for row in rows if row.status_code != 101]
    assert sorted({(row.name, row.status_code) for row in others}) == [
        ("GET (unmatched)", 400),
        ("echo", 403),
        ("index", 200),
    ]
    assert len(others) == 23
    assert all(row.duration > 0 for row in others)
    assert set(with_more.values()) == {0}, with_more
