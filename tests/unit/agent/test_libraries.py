"""Lines of libraries fold into their packages."""

from __future__ import annotations

import json
import sysconfig
from types import CodeType

from otel_fmd.agent.libraries import folded, package_of

SITE = sysconfig.get_path("purelib")


def code(filename: str) -> CodeType:
    """Code of a function `f` in this file."""
    space: dict[str, object] = {}
    exec(compile("def f(): pass", filename, "exec"), space)
    return space["f"].__code__  # type: ignore[attr-defined,no-any-return]


APP, TEMPLATE = code("/srv/shop/views.py"), code("/srv/shop/templates/list.html")
ORM, DRIVER = code(f"{SITE}/sqlalchemy/orm/query.py"), code(f"{SITE}/psycopg/cursor.py")


def test_packages_are_told_by_their_folders() -> None:
    """Installed ones, the standard library, frozen modules; everything else is the app's own."""
    assert package_of(ORM.co_filename) == "sqlalchemy"
    assert package_of(f"{SITE}/six.py") == "six"
    assert package_of("C:\\venv\\Lib\\site-packages\\jinja2\\environment.py") == "jinja2"
    assert package_of(json.dumps.__code__.co_filename) == "json"
    assert package_of("<frozen importlib._bootstrap>") == "importlib"
    assert package_of(APP.co_filename) == package_of("<template>") == ""


def test_a_run_of_library_lines_becomes_its_package() -> None:
    """The app's own lines stay; the last run keeps its lines below its package."""
    path = ((APP, 1), (ORM, 2), (ORM, 3), (TEMPLATE, 4), (ORM, 5), (DRIVER, 6), (DRIVER, 7))
    assert folded(path, "") == (
        (APP, 1),
        ("sqlalchemy", 0),
        (TEMPLATE, 4),
        ("sqlalchemy", 0),
        ("psycopg", 0),
        (DRIVER, 6),
        (DRIVER, 7),
    )


def test_lines_of_the_endpoints_own_package_are_the_apps() -> None:
    """An app that is installed itself."""
    path = ((ORM, 1), (ORM, 2), (DRIVER, 3))
    assert folded(path, "sqlalchemy") == ((ORM, 1), (ORM, 2), ("psycopg", 0), (DRIVER, 3))
