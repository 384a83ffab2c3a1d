"""The shop's application factory."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Sequence

import requests
from flask import Blueprint, Flask, Response, abort, g, jsonify, render_template, request
from flask.logging import default_handler
from flask.typing import ResponseReturnValue
from opentelemetry import trace
from sqlalchemy import select
from sqlalchemy.orm import Session

import otel_fmd
from otel_fmd.demo.shop.models import Order, Product, engine, fill

_log = logging.getLogger("shop")
catalog = Blueprint("catalog", __name__)
checkout = Blueprint("checkout", __name__, url_prefix="/orders")
stock_session = requests.Session()


def _pause(ms: float) -> None:
    """The work that a real shop would do here."""
    time.sleep(random.lognormvariate(0, 0.35) * ms / 1000)


def _is_new_shop() -> bool:
    return os.environ.get("SHOP_VERSION", "").startswith("2")


def convert(cents: int) -> float:
    """A price in the customer's currency; asks a service that takes its time."""
    _pause(9)
    return cents / 100


def rank_related(number: int) -> list[int]:
    """Related products, by a score that is recomputed for each visitor."""
    scores = [score(number, other) for other in range(1, 61)]
    return sorted(range(1, 61), key=lambda other: scores[other - 1])[:5]


def score(one: int, other: int) -> float:
    """How much two products have in common."""
    return sum((one * n - other) % 17 / (n + 1) for n in range(2_400))


def discount(number: int, stars: int = 0) -> float:
    """What a well-rated product costs less; the bug of version 2.0: some have no rating."""
    return number % 10 / stars if number % 29 == 5 else 0.0


def points_of(customer: str | None) -> int:
    """The loyalty points of a customer; not everybody takes part."""
    points = {"alice": 120, "bob": 45}
    try:
        return points[customer or ""]
    except KeyError as error:
        raise LookupError(f"customer {customer!r} has no loyalty card") from error


def everything(products: Sequence[Product]) -> list[str]:
    """All of the shop, without an index."""
    _pause(550)
    return [product.name for product in products]


@catalog.route("/")
def home() -> ResponseReturnValue:
    """The first page, from a template."""
    with Session(engine) as session:
        products = session.scalars(select(Product).limit(12)).all()
    _pause(4)
    return render_template("home.html", products=products)


@catalog.route("/products/<int:number>")
def product(number: int) -> ResponseReturnValue:
    """One product; slower since version 2.0, which ranks related ones each time."""
    with Session(engine) as session:
        found = session.get(Product, number)
    if found is None:
        abort(404)
    price = convert(found.cents)
    related = []
    if _is_new_shop():
        price -= discount(found.id)
        related = rank_related(found.id)
    return jsonify(id=found.id, name=found.name, price=price, related=related)


@catalog.route("/search")
def search() -> ResponseReturnValue:
    """Search: usually quick, and very slow when nothing is searched for."""
    words = request.args.get("q", "")
    with Session(engine) as session:
        found = session.scalars(select(Product).where(Product.name.contains(words))).all()
    if not words:
        _log.warning("slow search: nothing was searched for, all %d products are sent", len(found))
        return jsonify(everything(found))
    _pause(17)
    return jsonify([one.name for one in found[:20]])


@checkout.route("/", methods=["POST"])
def order() -> ResponseReturnValue:
    """Buy: asks the stock service first."""
    number = int(request.form.get("product", "1"))
    answer = stock_session.get(f"{os.environ['STOCK_URL']}/stock/{number}", timeout=5)
    if answer.status_code != 200:
        abort(409)
    try:
        points_of(g.customer)
    except LookupError as error:
        if g.customer == "wholesale":
            otel_fmd.capture(error)
    with Session(engine) as session:
        session.add(Order(product_id=number, customer=g.customer or "guest"))
        session.commit()
    _log.info("%s ordered product %d", g.customer or "a guest", number)
    _pause(9)
    return jsonify(ordered=number), 201


@checkout.route("/mine")
def mine() -> ResponseReturnValue:
    """The orders of the logged-in customer."""
    if g.customer is None:
        abort(401)
    with Session(engine) as session:
        found = session.scalars(
            select(Order).where(Order.customer == g.customer).order_by(Order.id.desc()).limit(20)
        ).all()
    # One customer has far more orders than the others.
    _pause(55 if g.customer == "wholesale" else 8)
    return jsonify([one.product_id for one in found])


@checkout.route("/<int:number>/invoice")
def invoice(number: int) -> ResponseReturnValue:
    """The bug of the shop: some invoices cannot be made."""
    _pause(6)
    if number % 7 == 3:
        raise ValueError(f"order {number} has no address")
    return jsonify(invoice=number)


def create_app() -> Flask:
    """The shop."""
    app = Flask("shop", template_folder="templates", root_path=os.path.dirname(__file__))
    # What the shop logs goes to OpenTelemetry; on the console it would hide what the demo prints.
    app.logger.removeHandler(default_handler)
    app.logger.addHandler(logging.NullHandler())
    app.logger.setLevel(logging.INFO)
    fill()

    @app.before_request
    def who() -> None:
        g.customer = request.headers.get("X-Demo-Customer")

    @app.after_request
    def name_user(response: Response) -> Response:
        if g.customer is not None:
            trace.get_current_span().set_attribute("enduser.id", g.customer)
        return response

    app.register_blueprint(catalog)
    app.register_blueprint(checkout)
    return app
