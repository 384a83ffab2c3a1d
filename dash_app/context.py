"""A look from a browser: its address, its cookies, and where its links lead.

Cookies carry the browser's state: time zone, colour scheme, whether its screen is narrow.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlencode

from otel_fmd.config import Settings
from otel_fmd.people.actor import Actor
from otel_fmd.queries.snapshot import Reader
from otel_fmd.views.load import Loaded, load
from otel_fmd.views.look import SELECTION, Look, Process, zone_of
from otel_fmd.views.view import View
from otel_fmd.web.cookies import SCHEME

ZONE_COOKIE = "otel_fmd_zone"
NARROW_COOKIE = "otel_fmd_narrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Look):
    """One look at the dashboard.

    Args:
        reader: the database.
        path: the page.
        dark: the colour scheme.
        narrow: whether the screen is that of a phone.
        prefix: the path at which a browser reaches the dashboard, with a trailing slash.
        host: the host name in the address.
    """

    reader: Reader
    path: str
    dark: bool
    narrow: bool
    prefix: str
    host: str = "localhost"

    def load(self, views: Sequence[View[Any]]) -> Loaded[Self]:
        """The data of some views, from one snapshot; see `otel_fmd.views.load`."""
        return load(self.reader, self, views)

    def href(self, path: str, **changes: str | None) -> str:
        """The address of another page with the same selection, except for `changes`."""
        query = {key: value for key, value in self.query.items() if key in SELECTION}
        for key, value in changes.items():
            if value is None:
                query.pop(key, None)
            else:
                query[key] = value
        text = urlencode(query)
        return f"{self.prefix}{path.lstrip('/')}" + (f"?{text}" if text else "")

    def at(self, parameters: Mapping[str, str]) -> Context:
        """The same look with the parameters of a page's path."""
        return replace(self, parameters=parameters)


def make_context(
    reader: Reader,
    *,
    path: str,
    search: str,
    cookies: Mapping[str, str],
    actor: Actor,
    settings: Settings,
    prefix: str,
    process: Process,
    host: str,
) -> Context:
    """A context from an address and a browser's cookies."""
    return Context(
        actor=actor,
        query=dict(parse_qsl((search or "").lstrip("?"), keep_blank_values=True)),
        parameters={},
        zone=zone_of(settings.timezone or unquote(cookies.get(ZONE_COOKIE, ""))),
        now_us=time.time_ns() // 1000,
        settings=settings,
        process=process,
        reader=reader,
        path=path,
        dark=cookies.get(SCHEME) == "dark",
        narrow=cookies.get(NARROW_COOKIE) == "1",
        prefix=prefix,
        host=host,
    )
