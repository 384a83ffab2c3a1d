"""Run by the original FMD's Python: writes a database with something for every route.

    python seed.py URL PREFIX PASSWORD

Thirteen days of an app: endpoints with and without requests, two versions, users, requests without
a user, an address or a status, outliers, profiles, a custom graph, exceptions.
"""

import sys
from datetime import UTC, datetime, timedelta

import flask_monitoringdashboard as dashboard
from flask import Flask

dashboard.config.database_name, dashboard.config.table_prefix = sys.argv[1:3]
dashboard.config.version = "1.1"
app = Flask("shop")
app.secret_key = "x"
app.add_url_rule("/items/<int:i>", "item", lambda i: "x")
app.add_url_rule("/orders", "orders", lambda: "x", methods=["GET", "POST"])
app.add_url_rule("/boom", "blog.boom", lambda: "x")
dashboard.bind(app)

from flask_monitoringdashboard.database import (  # noqa: E402
    CodeLine,
    CustomGraph,
    CustomGraphData,
    Endpoint,
    ExceptionFrame,
    ExceptionMessage,
    ExceptionOccurrence,
    ExceptionStackLine,
    ExceptionType,
    FilePath,
    FunctionDefinition,
    FunctionLocation,
    Outlier,
    Request,
    StackLine,
    StackTraceSnapshot,
    User,
    session_scope,
)

NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
TODAY = NOW.replace(hour=0, minute=0, second=0)
LINES = [("def item(i):", 5, 0), ("row = load(i)", 6, 1), ("return render(row)", 7, 1)]


def add(session, one):
    """Store a row; the row with its id."""
    session.add(one)
    session.flush()
    return one


def users(session):
    """An admin and a guest."""
    session.query(User).delete()
    for name in ("admin", "guest"):
        one = User(username=name, is_admin=name == "admin")
        one.set_password(sys.argv[3])
        add(session, one)


def request(session, endpoint, number, time, **values):
    """A request whose values depend on its number."""
    row = {
        "endpoint_id": endpoint.id,
        "duration": 20.0 + number % 17 + number % 3 / 8,
        "time_requested": time,
        "version_requested": "1.1" if time > NOW - timedelta(days=4) else "1.0",
        "group_by": f"user{number % 3}",
        "ip": f"10.0.0.{number % 2}",
        "status_code": 500 if number % 11 == 0 else 200,
    }
    if row["version_requested"] == "1.1":
        row["duration"] *= 2
    return add(session, Request(**{**row, **values}))


def requests(session, endpoints):
    """The requests of all days, in the order of their times; those of the endpoint `item`."""
    made, number = [], 0
    for day in range(12, -1, -1):
        for minute in (5, 11, 20, 47):
            # Never at the edge of what "today" and "a week" mean.
            time = NOW - timedelta(days=day, hours=minute % 3, minutes=minute, seconds=number)
            number += 1
            made.append((time, "item", number, {}))
            if minute != 47:
                status = {"status_code": None} if number % 7 == 0 else {}
                made.append((time + timedelta(seconds=1), "orders", number * 5, status))
    for minute in (3, 4, 5, 6):
        time = NOW - timedelta(minutes=minute)
        made.append((time, "blog.boom", minute, {"status_code": None}))
    made.append((NOW - timedelta(minutes=9), "item", 7, {"group_by": None}))
    made.append((NOW - timedelta(minutes=8), "item", 8, {"status_code": 404}))
    found = []
    for time, name, number, values in sorted(made, key=lambda one: one[0]):
        one = request(session, endpoints[name], number, time, **values)
        found += [one] if name == "item" else []
    return found


def details(session, found):
    """Outliers and profiles."""
    for place, one in enumerate(found[-6::2]):
        values = {
            "request_url": f"http://shop.example/items/{place}",
            "request_header": "Host: shop.example\r\nAccept: */*\r\n",
            "request_environment": "{'REQUEST_METHOD': 'GET'}",
            "cpu_percent": f"[{12.5 + place}, 50.0]",
            "memory": f"svmem(total=1, available=1, percent={10.0 + place})",
            "stacktrace": 'File: "shop.py", line 7, in "item"',
        }
        add(session, Outlier(request_id=one.id, **values))
    add(session, Outlier(request_id=found[-1].id, cpu_percent="[3.0, 4.0]"))
    made = [
        add(session, CodeLine(filename="shop.py", line_number=n, function_name="item", code=code))
        for code, n, _ in LINES
    ]
    for place, one in enumerate(found[-3:]):
        for position, (line, (_, _, indent)) in enumerate(zip(made, LINES, strict=True)):
            if place == 2 and position == 1:
                continue
            duration = 40.0 / (1 + position) + 3 * place
            values = {"position": position, "indent": indent, "duration": duration}
            add(session, StackLine(request_id=one.id, code_id=line.id, **values))


def graphs(session):
    """A custom graph with a value for three days."""
    values = {"title": "Registered users", "version_added": "1.0"}
    graph = add(session, CustomGraph(time_added=NOW - timedelta(days=9), **values))
    for day in range(3):
        time = TODAY - timedelta(days=day) + timedelta(minutes=1)
        data = {"graph_id": graph.graph_id, "time": time, "value": 12.0 - day}
        add(session, CustomGraphData(**data))


def exceptions(session, item, boom):
    """Stack traces of two endpoints; the first occurred twice, the last is of the same type."""
    path = add(session, FilePath(path="/srv/shop/shop.py"))
    kinds = [add(session, ExceptionType(type=one)) for one in ("ValueError", "KeyError")]
    texts = [add(session, ExceptionMessage(message=one)) for one in ("bad thing", "'x'")]
    for place, occurred in enumerate(([boom[0], boom[1]], [boom[2]], [item[-1]], [boom[3]])):
        trace = add(session, StackTraceSnapshot(hash=str(place) * 64))
        values = {"name": f"boom{place}", "code": f"def boom{place}(): pass\n"}
        definition = add(session, FunctionDefinition(code_hash=str(place) * 64, **values))
        for position in range(2):
            values = {
                "file_path_id": path.id,
                "function_definition_id": definition.id,
                "function_start_line_number": 14 + position,
            }
            location = add(session, FunctionLocation(**values))
            frame = ExceptionFrame(function_location_id=location.id, line_number=15 + position)
            values = {
                "stack_trace_snapshot_id": trace.id,
                "exception_frame_id": add(session, frame).id,
                "position": position,
            }
            add(session, ExceptionStackLine(**values))
        for one in occurred:
            values = {
                "request_id": one.id,
                "exception_type_id": kinds[place % 3 > 0].id,
                "exception_msg_id": texts[place % 3 > 0].id,
                "stack_trace_snapshot_id": trace.id,
                "is_user_captured": False,
            }
            add(session, ExceptionOccurrence(**values))


with session_scope() as session:
    users(session)
    known = {one.name: one for one in session.query(Endpoint)}
    for name in ("item", "orders", "blog.boom", "never"):
        if name not in known:
            known[name] = add(session, Endpoint(name=name))
        known[name].monitor_level = 1
        known[name].version_added = "1.0"
        known[name].time_added = NOW - timedelta(days=20)
    found = requests(session, known)
    for one in known.values():
        newest = session.query(Request).filter(Request.endpoint_id == one.id)
        last = newest.order_by(Request.time_requested.desc()).first()
        one.last_requested = None if last is None else last.time_requested
    details(session, found)
    graphs(session)
    boom = session.query(Request).filter(Request.endpoint_id == known["blog.boom"].id).all()
    exceptions(session, found, boom)
