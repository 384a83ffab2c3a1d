"""Runs an ASGI application under uvicorn, in a thread of its own, with limits on connections.

No `Job`: uvicorn's loop runs in the thread from start to end.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial
from typing import Any

import uvicorn

from otel_fmd.otlp.http_guard import Guard
from otel_fmd.otlp.http_protocol import protocol_class
from otel_fmd.otlp.tls import HANDSHAKE_S, Certificates, ReloadingContext


class _Server(uvicorn.Server):
    """uvicorn's, which closes connections whose TLS handshake takes too long."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop: Any = asyncio.get_running_loop()
        if self.config.ssl is not None:
            loop.create_server = partial(loop.create_server, ssl_handshake_timeout=HANDSHAKE_S)
        await super().startup(sockets)


class HttpServer:
    """HTTP on an already bound socket.

    Args:
        app: the ASGI application.
        bound: a bound TCP socket; the server takes it over.
        grace_s: how long accepted requests may take to finish when stopping, in seconds.
        guard: limits on connections.
        name: of its thread.
        certificates: for TLS; None: none.
    """

    def __init__(
        self,
        app: Any,
        bound: socket.socket,
        grace_s: float,
        guard: Guard,
        name: str = "otel-fmd-otlp-http",
        certificates: Certificates | None = None,
    ) -> None:
        self._socket = bound
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=protocol_class(guard),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, int(grace_s)),
        )
        config.load()
        if certificates is not None:
            config.ssl = ReloadingContext.of(certificates)
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([bound],), name=name, daemon=True
        )
        self._grace_s = grace_s

    @property
    def port(self) -> int:
        """The port that clients reach."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Start serving; requests are queued by the kernel from the bind on."""
        self._socket.listen(2048)
        self._thread.start()

    def stop(self) -> None:
        """Refuse what is new, finish what was accepted within the grace time."""
        self._server.should_exit = True
        self._thread.join(self._grace_s + 2)
