"""Endpoints with a known split of computing and waiting, for the profiler."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from tests.support import profiled_parts

BUSY, WAIT = "busy", "wait"


def burn(seconds: float) -> int:
    """Compute for so long, by the thread's own clock."""
    end = time.thread_time() + seconds
    number = 0
    while time.thread_time() < end:
        number += 1
    return number


def split(path: str) -> tuple[float, float]:
    """Seconds of computing and waiting that a path asks for: `/name/10/20`, in milliseconds."""
    busy, wait = path.rsplit("/", 2)[1:]
    return float(busy) / 1000, float(wait) / 1000


def make_app(folder: Path) -> Flask:
    """Every endpoint takes how much it computes and waits, in milliseconds."""
    app = Flask("profiled")

    @app.route("/busy-wait/<int:busy>/<int:wait>")
    def busy_wait(busy: int, wait: int) -> str:
        burn(busy / 1000)  # busy
        time.sleep(wait / 1000)  # wait
        return "x"

    @app.route("/wait-busy/<int:busy>/<int:wait>")
    def wait_busy(busy: int, wait: int) -> str:
        time.sleep(wait / 1000)  # wait
        burn(busy / 1000)  # busy
        return "x"

    @app.route("/io/<int:busy>/<int:wait>")
    def io(busy: int, wait: int) -> str:
        one, other = socket.socketpair()
        one.settimeout(wait / 1000)
        try:
            one.recv(1)  # wait
        except TimeoutError:
            pass
        one.close()
        other.close()
        burn(busy / 1000)  # busy
        return "x"

    def down(levels: int, seconds: float) -> int:
        if levels == 0:
            return burn(seconds)
        return down(levels - 1, seconds)

    @app.route("/recursion/<int:busy>/<int:wait>")
    def recursion(busy: int, wait: int) -> str:
        down(20, busy / 1000)  # busy
        time.sleep(wait / 1000)  # wait
        return "x"

    def numbers(busy: int) -> Iterator[int]:
        for _ in range(5):
            yield burn(busy / 5000)

    @app.route("/generator/<int:busy>/<int:wait>")
    def generator(busy: int, wait: int) -> str:
        sum(numbers(busy))  # busy
        time.sleep(wait / 1000)  # wait
        return "x"

    @app.route("/files/<int:busy>/<int:wait>")
    def files(busy: int, wait: int) -> str:
        profiled_parts.compute(busy / 1000)  # busy
        profiled_parts.wait(wait / 1000)  # wait
        return "x"

    @app.route("/async/<int:busy>/<int:wait>")
    async def async_view(busy: int, wait: int) -> str:
        burn(busy / 1000)  # busy
        await asyncio.sleep(wait / 1000)  # wait
        return "x"

    return app
