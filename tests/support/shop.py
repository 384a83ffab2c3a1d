"""A small Flask app to watch."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, request, stream_with_context


def busy(seconds: float) -> int:
    """Compute for so long, by the thread's own clock."""
    end = time.thread_time() + seconds
    number = 0
    while time.thread_time() < end:
        number += 1
    return number


def make_app() -> Flask:
    """Endpoints with a known split of computing and waiting."""
    app = Flask("agent-test")
    shop = Blueprint("shop", __name__)

    @shop.route("/mixed")
    def mixed() -> str:
        times = [time.perf_counter()]
        busy(0.03)
        times.append(time.perf_counter())
        time.sleep(0.03)
        return " ".join(str(one) for one in (*times, time.perf_counter()))

    @shop.route("/item/<int:number>", methods=["GET", "POST"])
    def item(number: int) -> str:
        time.sleep(float(request.args.get("wait", "0")))
        return str(number)

    @shop.route("/stream")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            for number in range(4):
                time.sleep(0.02)
                yield str(number)

        if request.args.get("fail"):
            return Response(broken())
        body = parts()
        return Response(stream_with_context(body) if request.args.get("context") else body)

    def broken() -> Iterator[str]:
        yield "x"
        raise ValueError("in the body")

    app.register_blueprint(shop)
    return app
