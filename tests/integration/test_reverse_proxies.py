"""`serve` behind nginx, Caddy and Traefik, as `docs/deploy` has them: at a host, below a path."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

import grpc
import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind

from otel_fmd.actions.tokens import add_token
from otel_fmd.people.actor import OPERATOR
from otel_fmd.store.store import Store
from tests.support.apps import counted
from tests.support.proxies import CLIENT, PROXIES, Certificate, browser, free_ports, hosts_are_here
from tests.support.requirements import ROOT, program
from tests.support.serving import PASSWORD, Served
from tests.support.spans import Spans, body, payload
from tests.support.waiting import wait_for

PLACES = {"host": "https://fmd.example.com", "path": "https://example.com/monitoring"}
GRPC = "(the host of gRPC)"
PAGE = {"Accept": "text/html"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
MOST = 1_048_576
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Real-IP": "6.6.6.6",
    "Forwarded": "for=6.6.6.6;host=evil.example;proto=http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": "/evil",
}


class Exposed(NamedTuple):
    """A server behind a proxy, and where it is reached."""

    served: Served
    public: str
    port: int
    ca: str
    sender: str
    reader: str
    plain: str
    store: Store

    @property
    def host(self) -> str:
        """The name of the host."""
        return self.public.split("/")[2].partition(":")[0]

    @property
    def origin(self) -> str:
        """What browsers send with a change."""
        return "/".join(self.public.split("/")[:3])

    @property
    def root(self) -> str:
        """The path of the dashboard, with a slash at its end."""
        return self.public.removeprefix(self.origin) + "/"

    def browser(self) -> requests.Session:
        """A new one."""
        return browser(self.ca)

    def enter(self, session: requests.Session, **headers: str) -> requests.Response:
        """Log in; redirects are shown."""
        return session.post(
            f"{self.public}/login",
            {"username": "admin", "password": PASSWORD},
            headers={"Origin": self.origin, **headers},
            timeout=30,
            allow_redirects=False,
        )

    def export(self, data: bytes, token: str) -> requests.Response:
        """Send a body over OTLP/HTTP."""
        headers = {**PROTOBUF, "Authorization": f"Bearer {token}"}
        url = f"{self.public}/v1/traces"
        return self.browser().post(url, data, headers=headers, timeout=60)


@pytest.fixture(scope="module", params=[f"{one}-{place}" for one in PROXIES for place in PLACES])
def exposed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exposed]:
    """A server with the settings that the files name, behind each proxy at each place."""
    kind, place = request.param.split("-")
    folder = tmp_path_factory.mktemp(request.param)
    ports = free_ports()
    certificate = Certificate(folder)
    host, _, path = PLACES[place].removeprefix("https://").partition("/")
    public = f"https://{host}:{ports.https}/{path}".rstrip("/")
    served = Served(
        f"sqlite:///{folder / 'fmd.db'}",
        OTEL_FMD_PUBLIC_URL=public,
        OTEL_FMD_TRUSTED_PROXIES="127.0.0.1",
        OTEL_FMD_REQUIRE_TOKEN="true",
        OTEL_FMD_MAX_BODY_BYTES=str(MOST),
    )
    store = Store(served.database_url)
    with pytest.MonkeyPatch.context() as patch:
        hosts_are_here(patch)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        try:
            sender = add_token(OPERATOR, store, "apps", ["ingest"], 1)
            reader = add_token(OPERATOR, store, "prometheus", ["read"], 1)
            proxy = PROXIES[kind](folder, ports, certificate, served)
            try:
                plain = f"http://{host}:{ports.http}"
                found = Exposed(
                    served, public, ports.https, certificate.ca, sender, reader, plain, store
                )
                wait_for(lambda: found.export(b"", sender).status_code == 200, 30, "the token")
                yield found
            finally:
                proxy.stop()
        finally:
            store.close()
            served.stop()


def over_grpc(exposed: Exposed, message: Any, token: str) -> Any:
    """The code of an export over gRPC; None when it was taken."""
    with open(exposed.ca, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    options = [
        ("grpc.ssl_target_name_override", exposed.host),
        ("grpc.default_authority", f"{exposed.host}:{exposed.port}"),
        ("grpc.enable_http_proxy", 0),
    ]
    with grpc.secure_channel(f"127.0.0.1:{exposed.port}", credentials, options) as channel:
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        try:
            TraceServiceStub(channel).Export(message, metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            return error.code()
    return None


def test_a_login_with_secure_cookies(exposed: Exposed) -> None:
    """Every redirect stays at the public host, and below the path."""
    session = exposed.browser()
    asked = session.get(f"{exposed.public}/hourly", headers=PAGE, timeout=30, allow_redirects=False)
    where = urljoin(f"{exposed.public}/", asked.headers["Location"])
    assert where == f"{exposed.public}/login?next={exposed.root}hourly"
    answer = exposed.enter(session)
    assert answer.status_code == 302
    assert urljoin(f"{exposed.public}/", answer.headers["Location"]) == f"{exposed.public}/"
    prefix = "__Host-" if exposed.root == "/" else "__Secure-"
    assert {one.name for one in session.cookies} == {
        f"{prefix}otel_fmd_session",
        f"{prefix}otel_fmd_browser",
    }
    assert all(one.secure and one.path == exposed.root for one in session.cookies)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert session.get(f"{exposed.public}/_dash-layout", timeout=30).status_code == 200


def test_a_path_without_its_slash(exposed: Exposed) -> None:
    """Leads to the dashboard; without TLS, to TLS."""
    session = exposed.browser()
    for url in (exposed.public, f"{exposed.plain}{exposed.root}login"):
        # The port without TLS knows no other port than the usual one.
        answer = session.get(url, headers=PAGE, timeout=30, allow_redirects=False)
        assert answer.status_code in (301, 302, 308), url
        where = urljoin(url, answer.headers["Location"])
        assert where.startswith(f"https://{exposed.host}"), where
        assert re.match(rf"https://[^/]+{exposed.root}", where), where


def test_pages_and_their_files(exposed: Exposed) -> None:
    """Scripts and styles come from below the path, the layout with them."""
    session = exposed.browser()
    exposed.enter(session)
    page = session.get(f"{exposed.public}/", headers=PAGE, timeout=30)
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len([one for one in files if ".js" in one]) > 5
    for path in files:
        assert path.startswith(exposed.root), path
        answer = session.get(exposed.origin + path, timeout=60)
        assert answer.status_code == 200, path
        assert "text/html" not in answer.headers["Content-Type"], path


def test_changes_from_its_own_pages_only(exposed: Exposed) -> None:
    """A logout: of another site, or of the address behind the proxy, it is refused."""
    session = exposed.browser()
    exposed.enter(session)
    url = f"{exposed.public}/logout"

    def leave(origin: str) -> int:
        headers = {"Origin": origin}
        answer = session.post(url, headers=headers, timeout=30, allow_redirects=False)
        return answer.status_code

    others = ("https://evil.example", exposed.served.dashboard, f"https://{exposed.host}:1")
    assert [leave(one) for one in others] == [403] * 3
    assert session.get(f"{exposed.public}/_dash-layout", timeout=30).status_code == 200
    assert leave(exposed.origin) == 302
    assert session.get(f"{exposed.public}/_dash-layout", timeout=30).status_code == 401


def test_nobody_forges_an_address(exposed: Exposed) -> None:
    """The audit has the client's own; no header of a client changes host, scheme or path."""
    answer = exposed.enter(exposed.browser(), **FORGED)
    assert answer.status_code == 302
    assert "evil" not in str(answer.headers)
    assert "Secure" in answer.headers["Set-Cookie"]
    page = exposed.browser().get(f"{exposed.public}/login", headers=FORGED, timeout=30)
    assert "evil" not in page.text
    assert f'href="{exposed.root}login.css"' in page.text
    with exposed.store.read() as connection:
        rows = connection.execute(exposed.store.tables.audit.select()).all()
    assert {row.address for row in rows if row.action == "login"} == {CLIENT}


def test_telemetry_needs_a_token(exposed: Exposed) -> None:
    """Over HTTP with the SDK's exporter, over gRPC; without one it is refused as by ourselves."""
    before = counted(exposed.served.database_url)
    exporter = OTLPSpanExporter(
        endpoint=f"{exposed.public}/v1/traces",
        certificate_file=exposed.ca,
        headers={"Authorization": f"Bearer {exposed.sender}"},
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    span = provider.get_tracer("t").start_span("x", kind=SpanKind.SERVER)
    span.end()
    assert exporter.export([span]) is SpanExportResult.SUCCESS  # type: ignore[list-item]
    assert over_grpc(exposed, payload(Spans(1).many(2)), exposed.sender) is None
    assert counted(exposed.served.database_url) == before + 3
    for token in ("", exposed.reader, "ofmd_wrong"):
        assert exposed.export(body(Spans(2).many(1)), token).status_code == 401
        assert over_grpc(exposed, payload(Spans(2).many(1)), token) is (
            grpc.StatusCode.UNAUTHENTICATED
        )
    assert counted(exposed.served.database_url) == before + 3


def test_levels_for_agents(exposed: Exposed) -> None:
    """Where agents ask for them; a proxy on this machine makes nobody local."""
    url = f"{exposed.public}/v1/agent/levels?service=shop"
    headers = {"Authorization": f"Bearer {exposed.sender}"}
    assert exposed.browser().get(url, headers=headers, timeout=30).status_code == 200
    assert exposed.browser().get(url, timeout=30).status_code == 401


def test_metrics_for_those_who_may_read(exposed: Exposed) -> None:
    """Of the dashboard's port; the receiver's own is not reached."""
    for token, status in ((exposed.reader, 200), (exposed.sender, 403), ("", 401)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = exposed.browser().get(f"{exposed.public}/metrics", headers=headers, timeout=30)
        assert answer.status_code == status
        assert ("otel_fmd_requests_stored_total" in answer.text) == (status == 200)


def test_what_is_too_large(exposed: Exposed) -> None:
    """Gets an answer that says so, from whoever refuses it; what is just below is stored."""
    below = body(Spans(6).many(1), x="x" * (MOST - 5_000))
    assert exposed.export(below, exposed.sender).status_code == 200
    large = body(Spans(3).many(1), **{"x": "x" * MOST})
    answer = exposed.export(large, exposed.sender)
    assert answer.status_code == 413
    assert str(MOST).encode() in answer.content
    assert over_grpc(exposed, payload(Spans(4).many(1), x="x" * MOST), exposed.sender) is (
        grpc.StatusCode.RESOURCE_EXHAUSTED
    )
    form = {"username": "admin", "password": "x" * 3_000_000}
    headers = {"Origin": exposed.origin}
    session = exposed.browser()
    answer = session.post(f"{exposed.public}/login", form, headers=headers, timeout=60)
    assert answer.status_code == 413
    # Nothing is left over: the next request is answered as before.
    assert exposed.export(body(Spans(5).many(1)), exposed.sender).status_code == 200


def test_the_checks_of_the_guide(exposed: Exposed) -> None:
    """`curl`, as printed, prints what is printed below it."""
    program("curl")
    guide = (ROOT / "docs" / "expose.md").read_text().replace(f"{PLACES['host']}/opent", GRPC)
    for scheme in ("http", "https"):
        place = f"{scheme}://{exposed.host}{exposed.root}"
        guide = guide.replace(f"{scheme}://fmd.example.com/", place)
    guide = guide.replace(GRPC, f"https://{exposed.host}/opent")
    guide = guide.replace("?next=/\n", f"?next={exposed.root}\n")
    checks = re.findall(r"^\$ (.*curl .*)\n(?!\$|```)(.+)$", guide, re.MULTILINE)
    assert len(checks) == 8
    assert "grpc-status: 16" in dict(checks).values()
    plain = exposed.plain.rpartition(":")[2]
    here = f"curl --cacert {exposed.ca}"
    for usual, port in ((443, exposed.port), (80, plain)):
        here += f" --connect-to {exposed.host}:{usual}:127.0.0.1:{port}"
    for command, expected in checks:

        def is_printed(command: str = command, expected: str = expected) -> bool:
            done = subprocess.run(
                ["bash", "-c", command.replace("curl ", f"{here} ")],
                env={**os.environ, "INGEST_TOKEN": exposed.sender},
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stdout.strip().replace(f":{exposed.port}", "") == expected

        # Of a refused call, Caddy may give up the connection before curl has read the trailers.
        wait_for(is_printed, 10, f"{expected!r} printed by {command}")
