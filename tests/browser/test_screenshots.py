"""Every page in light and dark: drawn without an error, clean under axe-core, and its picture kept.

Pictures go to `build/screenshots`; `make screenshots` puts those of the documentation into `docs`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from dash_app.pages import PAGES
from tests.support.recount import Recount
from tests.support.requirements import BUILD, ROOT, program
from tests.support.serving import Served
from tests.support.visitor import Visitor

# The endpoint that a page is most telling for.
ENDPOINTS = {
    "hourly": "catalog.search",
    "users": "checkout.mine",
    "addresses": "checkout.mine",
    "versions": "catalog.product",
    "user-performance": "checkout.mine",
    "status": "checkout.invoice",
    "exceptions": "catalog.product",
    "outliers": "catalog.search",
    "profiler": "catalog.product",
    "grouped-profiler": "catalog.product",
}
# Pictures show the paths of a deploy, not those of the machine that they were taken on.
_DEPLOYED_URL = "sqlite:////srv/fmd.db"
_DEPLOYED = """pairs => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        for (const [here, there] of pairs) {
            const text = texts.currentNode.nodeValue;
            if (text.includes(here)) texts.currentNode.nodeValue = text.replaceAll(here, there);
        }
    }
}"""
# AG Grid and Plotly draw their own insides; their known faults are theirs.
IGNORED = ["aria-required-children", "aria-required-parent", "scrollable-region-focusable"]


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, installed once."""
    npm = program("npm")
    folder = BUILD / "axe"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "axe-core"]
        subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
    return script.read_text()


def addresses(recount: Recount) -> dict[str, str]:
    """Name -> address of every page that stands by itself."""
    found = {}
    for page in PAGES:
        if any(part in page.path for part in ("<request>", "<group>", "<metric>")):
            continue
        last = page.path.rsplit("/", 1)[-1]
        number = str(recount.endpoint(ENDPOINTS.get(last, "catalog.home")))
        name = page.path.replace("/<endpoint>/", "/").strip("/").replace("/", "-") or "overview"
        days = {"overview": "7d", "runtime": "1h", "logs": "1h", "measured": "1h"}.get(name, "30d")
        found[name] = f"{page.address({'endpoint': number})}?range={days}"
    newest = max(recount.of("catalog.search"), key=lambda row: (row.duration > 200, row.id))
    found["request"] = f"/request/{newest.id}"
    found["exception"] = "/exception/1?range=30d"
    return found


def violations(page: Any, axe: str) -> list[str]:
    """What axe-core finds at WCAG 2.1 AA."""
    page.evaluate(axe)
    result = page.evaluate(
        """ignored => axe.run(document, {
            runOnly: ["wcag2a", "wcag2aa", "wcag21aa"],
            rules: Object.fromEntries(ignored.map((id) => [id, {enabled: false}])),
        })""",
        IGNORED,
    )
    return [
        f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes']][:3]}"
        for one in result["violations"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page(visit: Callable[..., Visitor], demo: Served, axe: str, scheme: str) -> None:
    """Drawn, clean, and pictured."""
    one = visit(demo)
    one.log_in()
    one.page.context.add_cookies(
        [{"name": "otel_fmd_scheme", "value": scheme, "url": demo.dashboard}]
    )
    folder = BUILD / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    for name, path in addresses(Recount(demo)).items():
        one.open(path, "#content .card, #content .empty")
        one.page.wait_for_load_state("networkidle")
        one.page.evaluate(_DEPLOYED, [[str(ROOT), "/srv/app"], [demo.database_url, _DEPLOYED_URL]])
        picture = folder / f"{name}-{scheme}.png"
        one.page.screenshot(path=picture)
        if os.environ.get("OTEL_FMD_SCREENSHOTS") == "1":
            target = ROOT / "docs" / "images" / f"{name}-{scheme}.png"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(picture.read_bytes())
        problems = violations(one.page, axe)
        if problems:
            found[name] = problems
    assert found == {}
