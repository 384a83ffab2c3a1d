"""What varies in a message is replaced; what names the program stays."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.exceptions.message import constraint_of, start_of, template_of

TEMPLATES = {
    "division by zero": "division by zero",
    "Order 17 of 2026-03-04T12:00:01Z for bob@x.org failed after 3.5s": (
        "Order <int> of <date> for <email> failed after <float>s"
    ),
    "birth date 31.02.1980": "birth date <date>",
    "'NoneType' object has no attribute 'total'": "'NoneType' object has no attribute 'total'",
    "name 'foo' is not defined": "name 'foo' is not defined",
    "User 'Alice' not found": "User <str> not found",
    "f() got an unexpected keyword argument 'x'": "f() got an unexpected keyword argument 'x'",
    "connect ECONNREFUSED 10.0.0.1:5432": "connect ECONNREFUSED <host>",
    "no route to db-3.prod.internal:5432 or [::1]:80: down": "no route to <host> or <host>: down",
    "<shop.Order object at 0x7f12ab34> is bad": "<shop.Order object at <hex>> is bad",
    "com.acme.Order@1f2e3d4c is bad": "com.acme.Order@<hex> is bad",
    "id 123e4567-e89b-12d3-a456-426614174000": "id <uuid>",
    "/srv/app/data/file_12.csv is missing": "<path> is missing",
    "GET https://x.org/a?b=1 failed": "GET <url> failed",
    "ids [1, 2, 3] and ['a', 'b']": "ids [<int>, …] and [<str>, …]",
    "commit 3f2a9c1b of branch": "commit <hex> of branch",
    "sku-17 is sold out": "<id> is sold out",
    "no utf-8, no sha256, no v2": "no utf-8, no sha256, no v2",
    "it isn't Bob's": "it isn't Bob's",
    "java.io.IOException: broken": "java.io.IOException: broken",
    "undefined method `total' for nil": "undefined method 'total' for nil",
    "first line\nsecond line 17": "first line",
    "  spaces   between  ": "spaces between",
    "": "",
}


@pytest.mark.parametrize(("message", "template"), TEMPLATES.items())
def test_templates(message: str, template: str) -> None:
    """For display, and for comparison where there are no frames."""
    assert template_of(message) == template


def test_a_template_is_short() -> None:
    """However long its message is."""
    assert len(template_of("word " * 100_000)) <= 400


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("page 17 is before the first one", "page <int> is before the"),
        ("User Alice not found", "User <str> not found"),
        ("Cannot read properties of undefined (reading 'price')", "use price"),
        ("undefined is not an object (evaluating 'cart.item.price')", "use price"),
        ('can\'t access property "price", item is undefined', "use price"),
        ("cart.total is not a function", "call total"),
        ("Can't find variable: rate", "use rate"),
        ("rate is not defined", "use rate"),
    ],
)
def test_the_start_tells_statements_apart(message: str, start: str) -> None:
    """In the words of every browser."""
    assert start_of(message) == start


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ('duplicate key value violates unique constraint "users_email_key"', "users_email_key"),
        ("UNIQUE constraint failed: users.email", "users.email"),
        ("Duplicate entry '17' for key 'users.email'", "users.email"),
        ("Column 'total' cannot be null", "total"),
        ('null value in column "total" of relation "o" violates not-null constraint', "total"),
        ("no such table: orders", "orders"),
        ("Unknown column 'p.amount' in 'field list'", "p.amount"),
        ('relation "orders" does not exist', "orders"),
        ("the order does not exist", ""),
    ],
)
def test_databases_name_what_they_complain_about(message: str, name: str) -> None:
    """SQLite, PostgreSQL and MySQL."""
    assert constraint_of(message) == name
