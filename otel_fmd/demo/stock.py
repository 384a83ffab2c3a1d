"""The second service of the demo: how many of a product are left."""

from __future__ import annotations

import random
import time

from flask import Flask, abort, jsonify
from flask.typing import ResponseReturnValue


def create_app() -> Flask:
    """The stock service."""
    app = Flask("stock")

    @app.route("/stock/<int:number>")
    def stock(number: int) -> ResponseReturnValue:
        time.sleep(random.lognormvariate(0, 0.4) * 0.005)
        if number % 20 == 0:
            abort(404)
        return jsonify(left=number * 3 % 17)

    return app
