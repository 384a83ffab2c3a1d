"""An endpoint's pages say where its name came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from plotly.utils import PlotlyJSONEncoder

from dash_app.context import make_context
from dash_app.pages import PAGES
from dash_app.routing import show
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.config import Settings
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.people.actor import OPERATOR
from otel_fmd.queries.snapshot import Reader
from otel_fmd.requests.naming import SOURCES
from otel_fmd.requests.translator import Translator
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from tests.support.spans import Spans, body


@pytest.mark.parametrize(
    ("name", "attributes", "source"),
    [
        ("GET", {"flask.endpoint": "shop.item"}, "flask"),
        ("GET", {"http.method": "GET", "http.route": "/a"}, "route"),
        ("Items.get", {"http.method": "GET", "url.path": "/a"}, "span"),
        ("GET", {"http.method": "GET", "url.path": "/a/7"}, "path"),
        ("GET", {"http.method": "GET", "url.path": "/old"}, "rule"),
        ("GET", {"http.method": "GET"}, "unmatched"),
    ],
)
def test_every_page_of_an_endpoint_says_it(
    tmp_path: Path, name: str, attributes: dict[str, str], source: str
) -> None:
    """In words, above whatever else the page shows."""
    store = Store(f"sqlite:///{tmp_path}/fmd.db")
    ensure_schema(store)
    spans = decode_protobuf(body([Spans().span(attributes, name=name)])).spans
    translator = Translator(rules=("GET /old -> GET new",))
    BatchWriter(store, OutlierRule()).write(Batch(translator.translate(spans).requests))
    pages = [page for page in PAGES if page.path.startswith("/endpoint/<endpoint>")]
    assert pages
    for page in pages:
        path = page.path.replace("<endpoint>", "1")
        context = make_context(
            Reader(store),
            path=path,
            search="",
            cookies={},
            actor=OPERATOR,
            settings=Settings(),
            prefix="/",
            host="localhost",
            process=NO_PROCESS,
        )
        shown = show(context.at(page.match(path) or {}))
        text = json.dumps(shown.content, cls=PlotlyJSONEncoder)
        assert f"Named after {SOURCES[source]}." in text, path
    store.close()
