"""A page of an application from PyPI under a profiler: `profiler.py` starts it.

It runs with the Python of that application's own environment, which has ours and pyinstrument, too.

`python profiler_pages.py flask-appbuilder|mlflow|moto ours|pyinstrument FOLDER REQUESTS`
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

SMALLER = "(smaller lines)"
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=b"
}
"""An anonymous caller may not put an object again."""


class Timer:
    """How long something took in all, by the test's own clock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def start(self, *_: Any) -> None:
        """Before it."""
        self._began = time.perf_counter()

    def stop(self, *_: Any) -> None:
        """After it."""
        self.seconds += time.perf_counter() - self._began


class Page(NamedTuple):
    """An application, a request to it, and the function that lets go of the interpreter's lock.

    `timer` measures that function whenever it runs.
    """

    app: Any
    ask: Callable[[Any], Any]
    function: str
    timer: Timer


def _sql_timer() -> Timer:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    timer = Timer()
    event.listen(Engine, "before_cursor_execute", timer.start)
    event.listen(Engine, "after_cursor_execute", timer.stop)
    return timer


def flask_appbuilder(folder: Path) -> Page:
    """A list view: a hundred contacts with their groups."""
    from flask import Flask
    from flask_appbuilder import AppBuilder, Model, ModelView
    from flask_appbuilder.models.sqla.base import SQLA
    from flask_appbuilder.models.sqla.interface import SQLAInterface
    from sqlalchemy import Column, ForeignKey, Integer, String
    from sqlalchemy.orm import relationship

    app = Flask("contacts")
    app.config.update(
        SECRET_KEY="not secret",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/contacts.db",
        AUTH_ROLE_PUBLIC="Admin",
        RATELIMIT_ENABLED=False,
    )
    db = SQLA(app)

    class ContactGroup(Model):
        __tablename__ = "contact_group"
        id = Column(Integer, primary_key=True)
        name = Column(String(50), nullable=False)

        def __repr__(self) -> str:
            return str(self.name)

    class Contact(Model):
        __tablename__ = "contact"
        id = Column(Integer, primary_key=True)
        name = Column(String(150), nullable=False)
        address = Column(String(200))
        group_id = Column(Integer, ForeignKey("contact_group.id"))
        group = relationship("ContactGroup")

    class ContactView(ModelView):
        datamodel = SQLAInterface(Contact)
        list_columns = ["name", "address", "group"]
        page_size = 100

    with app.app_context():
        builder = AppBuilder(app, db.session)
        builder.add_view(ContactView, "Contacts")
        db.create_all()
        groups = [ContactGroup(name=f"group {n}") for n in range(10)]
        db.session.add_all(groups)
        db.session.add_all(
            Contact(name=f"name {n}", address=f"street {n}", group=groups[n % 10])
            for n in range(2_000)
        )
        db.session.commit()
    return Page(app, lambda client: client.get("/contactview/list/"), "do_execute", _sql_timer())


def mlflow(folder: Path) -> Page:
    """A search over runs with their parameters and metrics."""
    url = f"sqlite:///{folder}/mlflow.db"
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = url
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = str(folder)
    os.environ["MLFLOW_TRACKING_URI"] = url
    os.environ["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] = "true"
    import mlflow
    from mlflow.entities import Metric, Param
    from mlflow.server import app

    client = mlflow.MlflowClient(url)
    for n in range(100):
        run = client.create_run("0")
        client.log_batch(
            run.info.run_id,
            [Metric(f"metric{m}", n * m, n, 0) for m in range(10)],
            [Param(f"param{p}", str(n * p)) for p in range(10)],
        )
    body = {"experiment_ids": ["0"], "max_results": 100}
    return Page(
        app,
        lambda client: client.post("/ajax-api/2.0/mlflow/runs/search", json=body),
        "do_execute",
        _sql_timer(),
    )


def moto(folder: Path) -> Page:
    """An object of eight megabytes is put: written to a file, read again, and hashed."""
    os.environ["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = "1000"
    from moto.moto_server.werkzeug_app import create_backend_app
    from moto.s3.models import FakeKey

    timer = Timer()
    etag = FakeKey.etag.fget

    def timed(key: Any) -> Any:
        timer.start()
        try:
            return etag(key)
        finally:
            timer.stop()

    FakeKey.etag = property(timed)
    app = create_backend_app("s3")
    body = os.urandom(8_000_000)
    is_made = False

    def put(client: Any) -> Any:
        nonlocal is_made
        if not is_made:
            client.put("/bucket", headers=SIGNED)
            is_made = True
        return client.put("/bucket/key", data=body, headers=SIGNED)

    return Page(app, put, "etag", timer)


PAGES = {"flask-appbuilder": flask_appbuilder, "mlflow": mlflow, "moto": moto}


def ask(page: Page, number: int) -> float:
    """Ask for the page again and again; the seconds that this took."""
    client = page.app.test_client()
    page.timer.seconds = 0.0
    began = time.perf_counter()
    for _ in range(number):
        answer = page.ask(client)
        assert answer.status_code == 200, (answer.status_code, answer.text[:500])
    return time.perf_counter() - began


def with_ours(page: Page, folder: Path, number: int) -> dict[str, float]:
    """Shares in percent of the time of the requests, and what of their profiles is not shown."""
    from sqlalchemy import func, select

    import otel_fmd
    from otel_fmd.queries.profiles import profiles
    from otel_fmd.queries.snapshot import Reader
    from otel_fmd.store.store import Store

    url = f"sqlite:///{folder}/fmd.db"
    monitor = otel_fmd.instrument(page.app, database_url=url, monitor_level=3)
    ask(page, 5)
    took = ask(page, number)
    assert monitor.force_flush()
    store = Store(url)
    with Reader(store).snapshot() as snapshot:
        query = select(func.max(snapshot.tables.profile.c.endpoint_id))
        endpoint_id = snapshot.connection.execute(query).scalar_one()
        found = profiles(snapshot, endpoint_id, limit=number + 5)
    store.close()
    monitor.uninstrument()
    whole = smaller = inside = 0.0
    for profile in found:
        whole += profile.request.duration
        above: list[str] = []
        for line in profile.lines:
            del above[line.indent :]
            if line.code == SMALLER:
                smaller += line.duration_ms
            elif line.function_name == page.function and page.function not in above:
                inside += line.duration_ms
            above.append(line.function_name)
    return {
        "true": 100 * page.timer.seconds / took,
        "found": 100 * inside / whole,
        "smaller": 100 * smaller / whole,
        "not_sampled": 100 * sum(one.not_sampled_ms for one in found) / whole,
        "sampled": 100 * len(found) / (number + 5),
        "ms": 1000 * took / number,
    }


def with_pyinstrument(page: Page, number: int) -> dict[str, float]:
    """The same by pyinstrument."""
    from pyinstrument import Profiler

    ask(page, 5)
    profiler = Profiler(interval=0.001, async_mode="disabled")
    with profiler:
        took = ask(page, number)
    assert profiler.last_session is not None
    root = profiler.last_session.root_frame(trim_stem=False)

    def inside(frame: Any) -> float:
        if frame.function == page.function:
            return float(frame.time)
        return sum(map(inside, frame.children))

    return {"true": 100 * page.timer.seconds / took, "found": 100 * inside(root) / root.time}


def main() -> None:
    """Print what was found."""
    name, who, folder, number = sys.argv[1:]
    page = PAGES[name](Path(folder))
    found = (
        with_ours(page, Path(folder), int(number))
        if who == "ours"
        else with_pyinstrument(page, int(number))
    )
    print("FOUND " + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
