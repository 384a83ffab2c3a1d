"""`serve` below a proxy's sub-path, health without a receiver, and what browsers may ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support.serving import PASSWORD, Served

PAGE = {"Accept": "text/html"}


def visit(served: Served, path: str, **headers: str) -> requests.Response:
    """Ask the dashboard for a page, as a browser would; redirects are shown."""
    return requests.get(
        served.dashboard + path, headers={**PAGE, **headers}, timeout=30, allow_redirects=False
    )


def enter(served: Served, path: str, **headers: str) -> requests.Response:
    """Log in at a path, as a browser would; redirects are shown."""
    return requests.post(
        served.dashboard + path,
        {"username": "admin", "password": PASSWORD},
        headers={"Origin": served.dashboard, **headers},
        timeout=30,
        allow_redirects=False,
    )


def test_a_prefix_that_is_set_holds_whether_the_proxy_strips_it_or_not(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Redirects, the cookie's path and every link in the page are below it."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    served = serve(url, OTEL_FMD_URL_PREFIX="/tools/fmd")
    for path in ("/hourly", "/tools/fmd/hourly"):
        answer = visit(served, path)
        assert answer.headers["Location"] == "/tools/fmd/login?next=/tools/fmd/hourly"
    assert 'href="/tools/fmd/login.css"' in visit(served, "/tools/fmd/login").text
    logged = enter(served, "/tools/fmd/login?next=/tools/fmd/hourly")
    assert "Path=/tools/fmd/" in logged.headers["Set-Cookie"]
    assert logged.headers["Location"] == "/tools/fmd/hourly"
    cookie = logged.headers["Set-Cookie"].partition(";")[0]
    shown = visit(served, "/tools/fmd/hourly", Cookie=cookie)
    assert "/tools/fmd/".replace("/", "\\u002f") in shown.text
    script = re.search('src="(/tools/fmd/_dash-component-suites/[^"]+)"', shown.text)
    assert visit(served, script[1], Cookie=cookie).ok  # type: ignore[index]


def test_forwarded_headers_count_from_trusted_proxies_only(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Prefix and scheme; of others they are nothing."""
    headers = {"X-Forwarded-Prefix": "/fmd", "X-Forwarded-Proto": "https"}
    trusting = serve(f"sqlite:///{tmp_path / 'a.db'}", OTEL_FMD_TRUSTED_PROXIES="127.0.0.0/8")
    assert "/fmd/login.css" in visit(trusting, "/login", **headers).text
    secure = trusting.dashboard.replace("http:", "https:")
    cookie = enter(trusting, "/login", **headers, Origin=secure).headers["Set-Cookie"]
    assert cookie.startswith("__Secure-otel_fmd_")
    assert "Path=/fmd/" in cookie
    assert "Secure;" in cookie
    wary = serve(f"sqlite:///{tmp_path / 'b.db'}", OTEL_FMD_TRUSTED_PROXIES="10.0.0.0/8")
    cookie = enter(wary, "/login", **headers).headers["Set-Cookie"]
    assert cookie.startswith("otel_fmd_")
    assert cookie.endswith("Path=/; SameSite=Lax")
    assert "Secure" not in cookie


def test_a_dashboard_without_receiver_tells_its_health(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Open, with nothing else told; not ready while the tables are missing."""
    served = serve(f"sqlite:///{tmp_path / 'fmd.db'}", OTEL_FMD_RECEIVER="false")
    assert visit(served, "/healthz").json()["status"] == "ok"
    assert visit(served, "/readyz").json() == {"status": "ready"}
    assert visit(served, "/hourly").status_code == 302
    for name in ("fmd.db", "fmd.db-wal", "fmd.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    "target", ["/%0d%0aX:1", "/%00", "//evil.example", "/\\evil.example", "https://evil.example"]
)
def test_a_login_never_leads_elsewhere(
    serve: Callable[..., Served], tmp_path: Path, target: str
) -> None:
    """Nor into a header of its own: what cannot stand in an address is the first page."""
    served = serve(f"sqlite:///{tmp_path / 'fmd.db'}", OTEL_FMD_RECEIVER="false")
    assert requests.head(f"{served.dashboard}/login", timeout=30).status_code == 200
    answer = enter(served, f"/login?next={target}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"
    assert "X" not in answer.headers
