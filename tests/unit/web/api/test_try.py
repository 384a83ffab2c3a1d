import pytest

from otel_fmd.web.api.api import ROUTES
from tests.support.people import log_client_in, user_named


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET"], ids=lambda r: r.rule)
def test_get(dashboard, sqlite_store, route):
    client = dashboard.test_client()
    log_client_in(client, sqlite_store, user_named(sqlite_store, "ana"))
    a = client.get("/api/v1/requests")
    rid = a.json["items"][0]["id"]
    eid = a.json["items"][0]["endpoint_id"]
    r = client.get("/api/v1" + route.rule.replace("<endpoint>", str(eid)).replace("<request>", rid))
    print(r.status_code, r.text[:600])
    assert r.status_code in (200, 404)


def test_doc(dashboard, sqlite_store):
    client = dashboard.test_client()
    log_client_in(client, sqlite_store, user_named(sqlite_store, "ana"))
    r = client.get("/api/v1/openapi.json")
    open("/tmp/openapi.json", "w").write(r.text)
    assert r.status_code == 200, r.text
    for p in ("docs", "docs/start.js", "docs/swagger-ui.css"):
        assert client.get("/api/v1/" + p).status_code == 200
    print(
        client.get("/api/v1/nothing").text,
        client.post("/api/v1/endpoints").text,
        client.get("/api/v1/requests?from=x&foo=1").text,
    )
