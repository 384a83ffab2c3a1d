"""Every route of FMD's REST API: the original FMD 5.1.0 and ours over one database."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from flask import Flask

from dash_app.app import create_app
from otel_fmd.actions.adoption import adopt
from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.people.actor import OPERATOR
from otel_fmd.store.store import Store
from otel_fmd.views.look import Process, Rule
from otel_fmd.web.fmd.api import GROUPS
from tests.support.fmd_calls import LINK, Call, changes, reads
from tests.support.fmd_differences import (
    ACCESS,
    ANSWERS,
    EVERY,
    OTHERS,
    Difference,
    in_order,
    without,
)
from tests.support.people import log_client_in, user_named
from tests.support.requirements import ROOT
from tests.support.serving import Served

PASSWORD = "a quite long sentence"
SCRIPTS = ROOT / "tests" / "support" / "original"


NOT_OF_ZONE = ("/api/overview", "/api/custom_graph/")
RULES = {
    "item": [Rule("/items/<int:i>", ["GET", "HEAD", "OPTIONS"], True)],
    "orders": [Rule("/orders", ["GET", "HEAD", "OPTIONS", "POST"], False)],
    "blog.boom": [Rule("/boom", ["GET", "HEAD", "OPTIONS"], False)],
}


class Answered(NamedTuple):
    """A call and both answers, each with status, JSON (or text) and content type."""

    call: Call
    theirs: list[Any]
    ours: list[Any]


class Compared(NamedTuple):
    """Every call with both answers, and the routes of the original."""

    answered: list[Answered]
    routes: set[str]


def original(python: Path, script: str, *arguments: str, given: str = "") -> str:
    """What a script prints with the original FMD."""
    command = [str(python), str(SCRIPTS / script), *arguments]
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "TZ": "UTC"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(
    python: Path, url: str, calls: list[Call], name: str = "admin", zone: str = "Etc/UTC"
) -> dict[str, Any]:
    """What the original says of some calls, by the words before each line."""
    given = json.dumps([call.plain() for call in calls])
    text = original(python, "serve.py", url, "", PASSWORD, name, zone, given=given)
    return {
        line[:6]: json.loads(line[6:])
        for line in text.splitlines()
        if line.startswith(("RESULT", "ROUTES"))
    }


@pytest.fixture(scope="module")
def seeded(fmd_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that the original wrote."""
    file = tmp_path_factory.mktemp("seeded") / "fmd.db"
    original(fmd_python, "seed.py", f"sqlite:///{file}", "", PASSWORD)
    return file


def app_of(file: Path, zone: str = "") -> tuple[Flask, Store]:
    """Our dashboard over an adopted copy of the database."""
    store = Store(f"sqlite:///{file}")
    adopt(OPERATOR, store, "shop", 500)
    settings = Settings(database_url=f"sqlite:///{file}", app_version="1.1", timezone=zone)
    return create_app(store, settings, Process(rules=lambda name: RULES.get(name, []))), store


@pytest.fixture(scope="module")
def compared(fmd_python: Path, seeded: Path) -> Compared:
    """Every call with the answers of both."""
    theirs, ours = seeded.with_name("theirs.db"), seeded.with_name("ours.db")
    shutil.copy(seeded, theirs)
    shutil.copy(seeded, ours)
    calls = [*reads(datetime.now(UTC)), *changes()]
    found = answers(fmd_python, f"sqlite:///{theirs}", calls)
    app, store = app_of(ours)
    client = app.test_client()
    admin = user_named(store, "admin")
    assert admin is not None
    log_client_in(client, store, admin)
    answered = []
    for call, their in zip(calls, found["RESULT"], strict=True):
        answer = client.open(LINK + call.path, method=call.method, json=call.body, data=call.form)
        value = answer.get_json() if answer.is_json else answer.text
        answered.append(Answered(call, their, [answer.status_code, value, answer.content_type]))
    store.close()
    return Compared(answered, {plain(*rule) for rule in found["ROUTES"]} - {""})


def test_times_are_those_of_the_time_zone(fmd_python: Path, seeded: Path) -> None:
    """Days, hours, texts that have an offset; FMD's overview and custom graphs have UTC's."""
    # One in which it is the same day as in UTC: FMD has requests of the next day on its last one.
    zone = "Asia/Dubai" if datetime.now(UTC).hour < 20 else "America/Bogota"
    theirs, ours = seeded.with_name("zone.db"), seeded.with_name("our-zone.db")
    shutil.copy(seeded, theirs)
    shutil.copy(seeded, ours)
    calls = [one for one in reads(datetime.now(UTC)) if not one.path.startswith(NOT_OF_ZONE)]
    found = answers(fmd_python, f"sqlite:///{theirs}", calls, "admin", zone)["RESULT"]
    app, store = app_of(ours, zone)
    client = app.test_client()
    admin = user_named(store, "admin")
    assert admin is not None
    log_client_in(client, store, admin)
    wrong = []
    for call, their in zip(calls, found, strict=True):
        answer = client.open(LINK + call.path, method=call.method, json=call.body, data=call.form)
        if difference_of(call) is None and their[0] == 200 and answer.json != their[1]:
            wrong.append(f"{call.name}\n  theirs {their[1]}\n  ours   {answer.json}")
    assert not wrong, "\n".join(wrong)
    store.close()


def plain(methods: list[str], rule: str) -> str:
    """A route as it is documented; '' if it is none of the API."""
    path = rule.removeprefix(LINK)
    if rule == path or not path.startswith(("/api/", "/database_pruning/", "/telemetry/")):
        return ""
    names = " ".join(one for one in methods if one not in ("HEAD", "OPTIONS"))
    return f"{names} {re.sub(r'<int:', '<', path)}"


def difference_of(call: Call) -> Difference | None:
    """The difference that the answers to a call are meant to have."""
    for one in ANSWERS:
        if one.route == call.route and call.path.endswith(one.path):
            return one
    return None


def is_error_in_words(theirs: list[Any], ours: list[Any]) -> bool:
    """Whether the original fails or says it in HTML, and ours says in JSON what was expected."""
    said = isinstance(ours[1], dict) and bool(ours[1].get("error") or ours[1].get("message"))
    if theirs[0] == 500:
        return ours[0] in (400, 404, 422) and said
    return theirs[0] >= 400 and "json" not in theirs[2] and ours[0] == theirs[0] and said


def test_every_answer_is_the_same_or_a_difference_that_is_listed(compared: Compared) -> None:
    """Value by value; a difference in some keys leaves the others equal."""
    wrong = []
    for call, theirs, ours in compared.answered:
        one = difference_of(call)
        if theirs == ours or is_error_in_words(theirs, ours) or (one and not one.keys):
            continue
        change = in_order if one and one.unordered else without
        keys = one.keys if one else ()
        if change(theirs, keys) != change(ours, keys):
            wrong.append(f"{call.name}\n  theirs {theirs}\n  ours   {ours}")
    assert not wrong, "\n".join(wrong)


def test_every_listed_difference_is_one(compared: Compared) -> None:
    """Or the list would hide new ones; what is in no order may be in ours by chance."""
    found = {
        difference_of(call)
        for call, theirs, ours in compared.answered
        if theirs != ours and not is_error_in_words(theirs, ours)
    }
    assert found - {None} <= set(ANSWERS)
    assert found >= {one for one in ANSWERS if one.route != EVERY and not one.unordered}


def test_every_route_is_here_and_is_called(compared: Compared) -> None:
    """Those of the original, no other; what would send something is not called there."""
    ours = {
        f"{method} {re.sub(r'<int:', '<', route.rule)}"
        for routes in GROUPS.values()
        for route in routes
        for method in route.methods
    }
    ours = {one.replace("<start>/<end>", "<start_date>/<end_date>") for one in ours}
    theirs = {
        f"{method} {path}"
        for *methods, path in (one.split() for one in compared.routes)
        for method in methods
    }
    assert ours == theirs
    assert ours - {one.call.route for one in compared.answered} == {
        "POST /telemetry/submit_follow_up"
    }
    assert len(ours) > 47


def test_the_documentation_lists_the_same_differences_and_routes(compared: Compared) -> None:
    """With the same words."""
    text = " ".join((ROOT / "docs" / "fmd-api.md").read_text().split())
    listed = [*ANSWERS, *ACCESS, *OTHERS]
    for one in listed:
        where = one.route if one.route == EVERY else f"`{one.route}`"
        assert f"| {where} | {one.reason} |" in text, one
    differences = text.partition("## Differences")[2]
    rows = re.findall(r"\| (?:`[A-Z]+ /[^|`]*`|every route) \| [^|]* \|", differences)
    assert len(rows) == len(listed)
    for route in compared.routes:
        assert f"| `{route}` |" in text.partition("## Differences")[0], route


def test_what_is_said_of_the_original_s_access_is_true(fmd_python: Path, seeded: Path) -> None:
    """Without a login, and as a guest; ours refuses."""
    file = seeded.with_name("access.db")
    shutil.copy(seeded, file)
    prune = "/database_pruning/prune_on_demand"
    size, delete = "/database_pruning/get_database_size", "/api/exception_occurrence/99"
    calls = [
        Call(f"GET {size}", size),
        Call("GET /api/telemetry", "/telemetry/get_is_telemetry_accepted"),
        Call("DELETE x", delete),
        Call("GET /api/overview", "/api/overview"),
        Call("POST prune", prune, {"age_threshold_weeks": "x"}),
        Call("GET schedule", "/database_pruning/get_pruning_schedule"),
        Call("POST user", "/api/user/delete", form={"user_id": "99"}),
    ]
    url = f"sqlite:///{file}"
    theirs = {
        name: [one[0] for one in answers(fmd_python, url, calls, name)["RESULT"]]
        for name in ("nobody", "guest")
    }
    assert theirs == {
        "nobody": [200, 200, 302, 302, 400, 404, 302],
        "guest": [200, 200, 200, 200, 400, 404, 302],
    }
    app, store = app_of(file)
    found = {}
    for name in ("nobody", "guest"):
        client = app.test_client()
        user = user_named(store, name)
        if user is not None:
            log_client_in(client, store, user)
        found[name] = [
            client.open(LINK + call.path, method=call.method, json=call.body).status_code
            for call in calls
        ]
    assert found == {"nobody": [401] * 7, "guest": [403, 200, 403, 200, 403, 403, 403]}
    store.close()


def test_serve_has_it_at_the_port_of_the_dashboard(
    serve: Callable[..., Served], new_url: Callable[[str], str]
) -> None:
    """Below FMD's link, with a token over HTTP; pages are where they were."""
    url = new_url("sqlite")
    for path, environment in (
        ("/dashboard", {}),
        ("/monitor", {"OTEL_FMD_DASHBOARD_PATH": "/monitor"}),
    ):
        served = serve(url, **environment)
        store = Store(url)
        secret = add_token(OPERATOR, store, path.strip("/"), ["read"], None)
        store.close()
        headers = {"Authorization": f"Bearer {secret}"}
        base = f"{served.dashboard}{path}"
        details = requests.get(f"{base}/api/deploy_details", headers=headers, timeout=30)
        assert details.json()["link"] == path.strip("/")
        posted = {"data": {"endpoints": ["item"]}}
        found = requests.post(
            f"{base}/api/api_performance", json=posted, headers=headers, timeout=30
        )
        assert found.json() == [{"name": "item", "values": []}]
        assert requests.get(f"{base}/api/overview", timeout=30).status_code == 401
        assert requests.get(f"{served.dashboard}/hourly", headers=headers, timeout=30).ok
        served.stop()
