"""Runs one service of the demo under waitress: `python -m otel_fmd.demo.service shop`.

It is instrumented from outside, by `opentelemetry-instrument`, as any Flask application is; the
statements and requests of the shop are traced by `otel_fmd.demo.tracing`.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any, NoReturn

from waitress.server import create_server


def main() -> None:
    """Serve on a free port, and print it."""
    if sys.argv[1] == "shop":
        from otel_fmd.demo.shop.app import create_app, stock_session
        from otel_fmd.demo.shop.models import engine
        from otel_fmd.demo.tracing import trace_requests, trace_statements

        trace_statements(engine)
        trace_requests(stock_session)
    else:
        from otel_fmd.demo.stock import create_app

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    server: Any = create_server(
        create_app(),
        host="127.0.0.1",
        port=0,
        threads=8,
        trusted_proxy="127.0.0.1",
        trusted_proxy_headers="x-forwarded-for",
    )
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
