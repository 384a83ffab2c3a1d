"""`otel-fmd user`."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from otel_fmd import config
from otel_fmd.commands.opening import address_of, open_people
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import OPERATOR, Role


def add(options: argparse.Namespace, settings: config.Settings) -> int:
    """Add a user."""
    from otel_fmd.actions import users

    role = Role.ADMIN if options.admin else Role.GUEST
    store, on = _open_passwords(settings), settings.password_login
    users.add_user(OPERATOR, store, options.username, _ask_password(), role, passwords_on=on)
    return 0


def change_password(options: argparse.Namespace, settings: config.Settings) -> int:
    """Change a user's password."""
    from otel_fmd.actions import users

    store, on = _open_passwords(settings), settings.password_login
    users.set_password(OPERATOR, store, options.username, _ask_password(), passwords_on=on)
    return 0


def remove(options: argparse.Namespace, settings: config.Settings) -> int:
    """Remove a user."""
    from otel_fmd.actions import users

    users.remove_user(OPERATOR, open_people(settings), options.username)
    return 0


def show_all(_options: argparse.Namespace, settings: config.Settings) -> int:
    """List users."""
    from otel_fmd.people.users import all_users

    store = open_people(settings)
    with store.read() as connection:
        for user in all_users(connection, store.tables):
            print(user.username, user.role.name.lower(), sep="\t")
    return 0


def setup_link(_options: argparse.Namespace, settings: config.Settings) -> int:
    """Print a link with which the first user is created."""
    from otel_fmd.people.setup import new_setup_link

    print(address_of(settings, new_setup_link(_open_passwords(settings))))
    return 0


def _open_passwords(settings: config.Settings) -> Any:
    """The database, for a command about somebody's password: refused before it is asked for."""
    from otel_fmd.people.passwords import require_switched_on

    require_switched_on(settings.password_login)
    return open_people(settings)


def _ask_password() -> str:
    """A password from the terminal, entered twice; from a pipe, its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ConfigurationError("the two passwords differ")
    return first
