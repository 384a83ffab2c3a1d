"""Places of a request in which a secret may be: each makes the parts of a span."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

from otel_fmd.signals.record import Event
from tests.support.secrets import Secret


class Planted(NamedTuple):
    """The parts of a span that hold a secret."""

    attributes: dict[str, Any]
    events: tuple[Event, ...] = ()


def _outlier(**texts: str) -> Planted:
    values = {f"fmd.outlier.{name}": text for name, text in texts.items()}
    return Planted({}, (Event("fmd.outlier", 1, values),))


def _exception(stack: str) -> Planted:
    return Planted({}, (Event("exception", 1, {"exception.stacktrace": stack}),))


def _is_one_word(secret: Secret) -> bool:
    return not re.search(r"\s|['\"<>]", secret.text)


def _json(secret: Secret) -> str:
    return json.dumps({"a": 1, secret.name: secret.text})


def _query(secret: Secret) -> str:
    return f"a=1&{quote(secret.name, safe='[]')}={quote(secret.text, safe='')}&b=2"


def _url_in_url(secret: Secret) -> Planted:
    inner = quote_plus(f"/c?{_query(secret)}")
    return Planted({"http.target": f"/a?n={quote_plus(f'https://x/b?m={inner}')}"})


def _path(secret: Secret) -> tuple[str, str]:
    return f"/reset/{quote(secret.text, safe='')}/done", f"/reset/<{secret.name}>/done"


def _path_by_route(secret: Secret) -> Planted:
    path, route = _path(secret)
    return Planted({"url.full": f"https://shop{path}", "http.target": path, "http.route": route})


def _referer_by_route(secret: Secret) -> Planted:
    path, route = _path(secret)
    referer = {"http.request.header.referer": [f"https://shop{path}"]}
    return Planted({"url.path": path, "http.route": route, **referer})


def _environ_name(name: str) -> str:
    plain = name.upper().replace("-", "_")
    return plain if plain.startswith("HTTP_") else f"HTTP_{plain}"


PLACES: dict[str, Callable[[Secret], Planted]] = {
    "attribute": lambda s: Planted({s.name: s.text}),
    "attribute of the app": lambda s: Planted({f"app.request.{s.name}": s.text}),
    "header": lambda s: Planted({f"http.request.header.{s.name.lower()}": [s.text]}),
    "map": lambda s: Planted({"app": {"inner": {s.name: s.text}}}),
    "list of maps": lambda s: Planted({"app": [{"a": [{s.name: s.text}]}]}),
    "JSON": lambda s: Planted({"body": _json(s)}),
    "JSON in JSON": lambda s: Planted({"body": json.dumps({"inner": [_json(s)]})}),
    "JSON in a header": lambda s: Planted({"http.request.header.x-context": [_json(s)]}),
    "query of url.full": lambda s: Planted({"url.full": f"https://shop/a?{_query(s)}"}),
    "url.query": lambda s: Planted({"url.path": "/a", "url.query": _query(s)}),
    "http.target": lambda s: Planted({"http.target": f"/a?{_query(s)}"}),
    "URL in a query": lambda s: Planted(
        {"http.target": f"/a?next={quote_plus(f'/b?{_query(s)}')}&c=3"}
    ),
    "URL in a URL in a query": _url_in_url,
    "JSON in a query": lambda s: Planted({"http.target": f"/a?data={quote_plus(_json(s))}"}),
    "fragment": lambda s: Planted({"url.full": f"https://shop/a#{_query(s)}"}),
    "route in a fragment": lambda s: Planted({"url.full": f"https://shop/#/a?{_query(s)}"}),
    "matrix parameter": lambda s: Planted(
        {"http.target": f"/a;v=1;{s.name}={quote(s.text, safe='')}/b?c=1"}
    ),
    "user part": lambda s: Planted({"url.full": f"https://ana:{quote(s.text, safe='')}@shop/a"}),
    "path by its route": _path_by_route,
    "Referer by its route": _referer_by_route,
    "Referer": lambda s: Planted({"http.request.header.referer": [f"https://shop/a?{_query(s)}"]}),
    "X-Forwarded-Uri": lambda s: Planted(
        {"http.request.header.x-forwarded-uri": [f"/a?{_query(s)}"]}
    ),
    "X-Original-Url": lambda s: _outlier(headers=f"X-Original-Url: /a?{_query(s)}\r\n"),
    "header lines": lambda s: _outlier(headers=f"Host: x\r\n{s.name}: {s.text}\r\n"),
    "cookie": lambda s: _outlier(headers=f"Host: x\r\nCookie: a=b; {s.name}={s.text}\r\n"),
    "WSGI environment": lambda s: _outlier(
        environment=str({"A": "b", _environ_name(s.name): s.text, "C": "d"})
    ),
    "QUERY_STRING": lambda s: _outlier(environment=str({"A": "b", "QUERY_STRING": _query(s)})),
    "form values": lambda s: _outlier(values=_json(s)),
    "form values, cut": lambda s: _outlier(values=_json(s)[:-1]),
    "line of code": lambda s: _outlier(
        stack=f'File: "a.py", line 7, in "f": "x[\'{s.name}\'] = {s.text!r}"'
    ),
    "exception": lambda s: _exception(
        f"Traceback:\n  raise E\nValueError: bad {s.name}={s.text!r} given\n"
    ),
    "dict in an exception": lambda s: _exception(f"E: { ({'a': 1, s.name: s.text})!r}\n  at x"),
    "pairs in an exception": lambda s: _exception(f"E: MultiDict({[(s.name, s.text)]!r})"),
    "JSON in an exception": lambda s: _exception(f"E: 400 Bad Request: {_json(s)}\n"),
    "JSON in a dict in an exception": lambda s: _exception(f"E: { ({'body': _json(s)})!r}\n"),
    "request in an exception": lambda s: _exception(f"E: GET http://x/a?{_query(s)} failed\n"),
}
"""By what they are called."""


def is_applicable(place: str, secret: Secret) -> bool:
    """Whether a secret of this kind may be in a place, and is recognisable there."""
    if place in ("header", "header lines", "cookie"):
        return "\n" not in secret.text and "[" not in secret.name
    if place in ("path by its route", "Referer by its route"):
        return secret.name.isidentifier() or not secret.is_named
    if place == "matrix parameter":
        return "[" not in secret.name
    if place == "attribute of the app":
        # Where `code` is an error's, it is none.
        return "[" not in secret.name and secret.name != "code"
    return True
