"""Each rule of grouping by itself, in traces as small as it takes."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.exceptions.grouping import group_of
from otel_fmd.analysis.exceptions.parse import parse

Call = tuple[str, str, str]
VIEW: Call = ("/app/shop/views.py", "show", "return total(order)")
TOTAL: Call = ("/app/shop/orders.py", "total", "return order.sum / order.count")
LIBRARY: Call = ("/opt/venv/lib/python3.12/site-packages/flask/app.py", "dispatch", "return f()")


def python(*calls: Call, raised: str = "ZeroDivisionError: division by zero") -> str:
    """A traceback of Python."""
    frames = "".join(
        f'  File "{file}", line {number}, in {function}\n' + (f"    {code}\n" if code else "")
        for number, (file, function, code) in enumerate(calls, 1)
    )
    return f"Traceback (most recent call last):\n{frames}{raised}\n"


def caused(cause: str, text: str) -> str:
    """`raise ... from ...`."""
    return (
        f"{cause}\nThe above exception was the direct cause of the following exception:\n\n{text}"
    )


def handled(context: str, text: str) -> str:
    """An exception in a handler."""
    return (
        f"{context}\nDuring handling of the above exception, another exception occurred:\n\n{text}"
    )


def group(*texts: str) -> str:
    """An ExceptionGroup of the exceptions of texts without frames of their own."""
    count = len(texts)
    lines = [f"  | ExceptionGroup: several ({count} sub-exception{'s' * (count > 1)})"]
    for number, text in enumerate(texts, 1):
        start = "  +-+" if number == 1 else "    +"
        lines.append(f"{start}---------------- {number} ----------------")
        lines += [f"    | {line}" for line in text.rstrip("\n").split("\n")]
    return "\n".join([*lines, "    +------------------------------------", ""])


def fingerprint(text: str, **attributes: str) -> str:
    """The group of a text."""
    return group_of(parse(text, **attributes)).fingerprint


SAME = {
    "another caller": (python(VIEW, TOTAL), python(("/app/shop/jobs.py", "run", "x()"), TOTAL)),
    "library frames around": (python(TOTAL), python(LIBRARY, VIEW, LIBRARY, TOTAL)),
    "another library version below": (
        python(VIEW, (LIBRARY[0], "inner", "raise x")),
        python(VIEW, (LIBRARY[0], "renamed", "raise y"), (LIBRARY[0], "deeper", "raise z")),
    ),
    "another formatting": (
        python(("/app/a.py", "f", "return g( x,'k' , )  # why")),
        python(("/app/a.py", "f", 'return g(x, "k")')),
    ),
    "a decorator in between": (
        python(VIEW, TOTAL),
        python(VIEW, ("/app/shop/timing.py", "wrapper", "return func(*args, **kwargs)"), TOTAL),
    ),
    "a decorator innermost": (
        python(VIEW, raised="TypeError: total() takes 1 positional argument but 2 were given"),
        python(
            VIEW,
            ("/app/shop/timing.py", "timed", "result = function(*args, **kwargs)"),
            raised="TypeError: total() takes 1 positional argument but 2 were given",
        ),
    ),
    "a comprehension, which has no frame since Python 3.12": (
        python((*TOTAL[:2], "return [x.y for x in z]")),
        python(
            (*TOTAL[:2], "return [x.y for x in z]"),
            (TOTAL[0], "<listcomp>", "return [x.y for x in z]"),
        ),
    ),
    "a type that Python renamed": (
        python(TOTAL, raised="asyncio.exceptions.TimeoutError"),
        python(TOTAL, raised="TimeoutError"),
    ),
    "a bug of the handler, whatever was handled": (
        handled(python(VIEW, raised="KeyError: 1"), python(VIEW, TOTAL)),
        handled(python(VIEW, LIBRARY, raised="OSError: 2"), python(VIEW, TOTAL)),
    ),
    "a library's own cause": (
        caused(python(LIBRARY, raised="OSError: 2"), python(VIEW, LIBRARY)),
        python(VIEW, LIBRARY),
    ),
    "tried again": (
        handled(python(VIEW, raised="KeyError: 1"), python(VIEW, raised="KeyError: 1")),
        handled(
            handled(python(VIEW, raised="KeyError: 1"), python(VIEW, raised="KeyError: 1")),
            python(VIEW, raised="KeyError: 1"),
        ),
    ),
    "members in another order and number": (
        group(python(VIEW), python(TOTAL)),
        group(python(TOTAL), python(VIEW), python(TOTAL)),
    ),
    "another depth of recursion": (
        python(*[VIEW] * 3, raised="RecursionError: maximum recursion depth exceeded"),
        python(TOTAL, *[VIEW] * 9, LIBRARY, raised="RecursionError: maximum recursion depth"),
    ),
    "another end of recursion": (
        python(*[VIEW, TOTAL] * 5, raised="RecursionError: maximum recursion depth exceeded"),
        python(*[TOTAL, VIEW] * 5, raised="RecursionError: maximum recursion depth exceeded"),
    ),
    "another mistake in a file that cannot be read": (
        python(VIEW, ("/app/rules.py", "", "if x"), raised="SyntaxError: expected ':'"),
        python(VIEW, ("/app/rules.py", "", "if y"), raised="SyntaxError: invalid syntax"),
    ),
    "data in a message without frames": (
        "shop.Late: order 17 of bob@example.com is late since 2026-03-01T10:00:00Z",
        "shop.Late: order 90210 of al@example.org is late since 2026-04-02T11:00:00Z",
    ),
}
DIFFERENT = {
    "another type": (python(TOTAL), python(TOTAL, raised="TypeError: x")),
    "another type of the same name": (
        python(TOTAL, raised="a.NotFound: x"),
        python(TOTAL, raised="b.NotFound: x"),
    ),
    "another function": (python(TOTAL), python((TOTAL[0], "mean", TOTAL[2]))),
    "another statement": (python(TOTAL), python((*TOTAL[:2], "return order.sum / order.pages"))),
    "another file": (python(TOTAL), python(("/app/shop/invoices.py", *TOTAL[1:]))),
    "another views.py": (
        python(("/app/orders/views.py", "show", "return x.y")),
        python(("/app/carts/views.py", "show", "return x.y")),
    ),
    "another version of an API": (
        python(("/app/api/v1/orders.py", "show", "return x.y")),
        python(("/app/api/v2/orders.py", "show", "return x.y")),
    ),
    "another cause": (
        caused(python(VIEW, raised="KeyError: 1"), python(VIEW)),
        caused(python(VIEW, TOTAL), python(VIEW)),
    ),
    "another cause in a library, wrapped by the app": (
        caused(python(LIBRARY, raised="OSError: 2"), python(VIEW)),
        caused(python(LIBRARY, raised="KeyError: 2"), python(VIEW)),
    ),
    "another exception that the function handled to raise this one": (
        handled(python(VIEW, TOTAL), python((*VIEW[:2], "raise Failed(order)"))),
        handled(python(VIEW, raised="KeyError: 1"), python((*VIEW[:2], "raise Failed(order)"))),
    ),
    "other members": (group(python(VIEW), python(TOTAL)), group(python(VIEW))),
    "callers of a guard": (
        python(VIEW, ("/app/shop/guards.py", "require", "raise ValueError(message)")),
        python(TOTAL, ("/app/shop/guards.py", "require", "raise ValueError(message)")),
    ),
    "callers of a thin wrapper": (
        python(VIEW, ("/app/shop/db.py", "execute", "return c.execute(sql)"), raised="E: x"),
        python(TOTAL, ("/app/shop/db.py", "execute", "return c.execute(sql)"), raised="E: x"),
    ),
    "callers of a decorator that could not call": (
        python(VIEW, ("/app/shop/timing.py", "wrapper", "return func(*args, **kwargs)")),
        python(TOTAL, ("/app/shop/timing.py", "wrapper", "return func(*args, **kwargs)")),
    ),
    "another constraint": (
        python(VIEW, LIBRARY, raised="IntegrityError: UNIQUE constraint failed: users.email"),
        python(VIEW, LIBRARY, raised="IntegrityError: NOT NULL constraint failed: users.name"),
    ),
    "another library function, nothing of the app": (
        python(LIBRARY, raised="E: x"),
        python((LIBRARY[0], "other", "x"), raised="E: x"),
    ),
    "another sentence, without frames": ("a.B: order 1 is late", "a.B: order 1 is lost"),
    "names of the program in a message without frames": (
        "AttributeError: 'NoneType' object has no attribute 'total'",
        "AttributeError: 'NoneType' object has no attribute 'name'",
    ),
}


@pytest.mark.parametrize("texts", SAME.values(), ids=SAME)
def test_the_same_bug(texts: tuple[str, str]) -> None:
    """One group."""
    assert fingerprint(texts[0]) == fingerprint(texts[1])


@pytest.mark.parametrize("texts", DIFFERENT.values(), ids=DIFFERENT)
def test_two_bugs(texts: tuple[str, str]) -> None:
    """Two groups."""
    assert fingerprint(texts[0]) != fingerprint(texts[1])


def test_a_group_shows_type_place_and_template() -> None:
    """Short enough for a table."""
    text = caused(
        python(VIEW, TOTAL),
        python(LIBRARY, raised="shop.errors.Failed: order 17 of 'Bob' failed"),
    )
    found = group_of(parse(text))
    assert found[1:] == ("Failed", "shop/orders.py in total", "order <int> of <str> failed")


def test_the_user_says_what_is_the_apps_own() -> None:
    """By module or by path; the longest prefix decides."""
    package = "/opt/venv/lib/python3.12/site-packages/shop"
    text = python(
        LIBRARY,
        (f"{package}/orders.py", "total", "x"),
        (f"{package}/compat/old.py", "shim", "y"),
    )

    def own(**lists: list[str]) -> list[bool]:
        return [one.in_app for one in parse(text, **lists).raised[0].frames]

    assert own() == [False, False, False]
    assert own(in_app=["shop"]) == [False, True, True]
    assert own(in_app=[package], not_in_app=["shop.compat"]) == [False, True, True]
    assert own(in_app=["shop"], not_in_app=["shop.compat"]) == [False, True, False]
    assert own(in_app=["shop"], not_in_app=[f"{package}/compat"]) == [False, True, False]
    java = "a.B: x\n\tat org.clinic.Ward.of(Ward.java:1)\n\tat org.clinicx.X.y(X.java:1)\n"
    frames = parse(java, not_in_app=["org.clinic"]).raised[0].frames
    assert [one.in_app for one in frames] == [True, False]
