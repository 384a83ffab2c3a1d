"""The OpenAPI document: of every route, and true."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import positive_data_acceptance
from werkzeug.serving import make_server

from otel_fmd.actions.tokens import add_token
from otel_fmd.people.actor import OPERATOR, Role
from otel_fmd.store.store import Store
from otel_fmd.web.api import PATH
from otel_fmd.web.api.api import ROUTES
from otel_fmd.web.api.openapi import document
from tests.support.requirements import ROOT

SCOPES = {Role.GUEST: "read", Role.WRITER: "write", Role.ADMIN: "admin"}
DOCS = ROOT / "docs" / "api.md"
EXAMPLES = 8
"""Of each operation."""


@pytest.fixture
def schema(app: Flask, filled: Store) -> Any:
    """The document as it is served to somebody with an admin's token."""
    secret = add_token(OPERATOR, filled, "schemathesis", ["admin"], None)
    headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
    found = schemathesis.openapi.from_wsgi(f"{PATH}/openapi.json", app, headers=headers)
    found.config.update(headers=headers)
    return found


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_the_document_is_true(schema: Any, mode: Any) -> None:
    """Whatever is sent, right or wrong: a status, a type and a body that the document has.

    A schema cannot say all that is expected: that `from` is before `to`, that a user exists.
    """
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        def check(case: Any) -> None:
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        try:
            check()
        except Unsatisfiable:
            # Nothing about it can be wrong: a text may be anything.
            own = [one for one in operation.iter_parameters() if one.location in ("path", "query")]
            assert all(one.definition["schema"] == {"type": "string"} for one in own)
            assert not list(operation.body)
        tried += 1
    assert tried == len(ROUTES)


def test_every_field_and_parameter_is_described() -> None:
    """With words, by the docstrings."""
    made = document(ROUTES)
    for name, one in made["components"]["schemas"].items():
        if one.get("enum"):
            continue
        assert one["description"], name
        assert "Args:" not in one["description"], name
        for field, about in one["properties"].items():
            assert about.get("description"), (name, field)
    operations = [one for path in made["paths"].values() for one in path.values()]
    assert len(operations) == len(ROUTES)
    for one in operations:
        assert one["summary"]
        assert one["description"]
        assert all(about["description"] for about in one["parameters"]), one["operationId"]


def test_units_are_in_names() -> None:
    """Of every number that has one."""
    made = document(ROUTES)
    words = re.compile(r"in (milliseconds|bytes|seconds)")
    for name, one in made["components"]["schemas"].items():
        for field, about in one.get("properties", {}).items():
            if words.search(about.get("description", "")):
                assert field.endswith(("_ms", "_bytes", "_s")), (name, field)


def rows() -> Iterator[str]:
    """The routes as rows of the documentation."""
    for route in ROUTES:
        rule = re.sub(r"<(?:path:)?(\w+)>", r"{\1}", route.rule)
        yield f"| `{route.method} {rule}` | `{SCOPES[route.role]}` | {route.summary} |\n"


def test_every_route_is_documented() -> None:
    """In the table; `OTEL_FMD_WRITE_DOCS=1` writes it anew."""
    text, head = DOCS.read_text(), "| route | scope | |\n|---|---|---|\n"
    before, _, rest = text.partition(head)
    table, blank, after = rest.partition("\n## Export")
    if os.environ.get("OTEL_FMD_WRITE_DOCS"):
        table = "".join(rows())
        DOCS.write_text(before + head + table + blank + after)
    assert table == "".join(rows())


def test_the_reference_in_a_browser(app: Flask, call: Any) -> None:
    """Without anything from elsewhere, or anything inline."""
    page = call("GET", "/docs", "read")
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
    assert not re.search(r"<script(?! src=)", page.text)
    for name in re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text):
        assert call("GET", f"/{name}", "read").status_code == 200
    assert call("GET", "/docs/other.js", "read").status_code == 404
    assert app.test_client().get(f"{PATH}/docs", headers={"Accept": "text/html"}).status_code == 302
    assert app.test_client().get(f"{PATH}/openapi.json").status_code == 401


def test_the_client_in_the_docs(
    app: Flask, filled: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs as it is printed."""
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(blocks) == 2
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        secret = add_token(OPERATOR, filled, "docs", ["read"], None)
        monkeypatch.setenv("OTEL_FMD_API", f"http://127.0.0.1:{server.server_port}{PATH}")
        monkeypatch.setenv("OTEL_FMD_TOKEN", secret)
        names: dict[str, Any] = {}
        exec(compile(blocks[0], "docs/api.md", "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        assert printed[0].startswith("GET /")
        assert len(list(names["all_requests"](range="24h"))) == 162
        with pytest.raises(RuntimeError, match="expected one of"):
            names["get"]("/requests", range="2h")
        compile(blocks[1], "docs/api.md", "exec")
    finally:
        server.shutdown()
        thread.join()
