"""`otel-fmd user`."""

from __future__ import annotations

import argparse
import getpass
import sys

from otel_fmd import config
from otel_fmd.commands.opening import open_people
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import OPERATOR, Role


def add(options: argparse.Namespace, settings: config.Settings) -> int:
    """Add a user."""
    from otel_fmd.actions import users

    role = Role.ADMIN if options.admin else Role.GUEST
    users.add_user(OPERATOR, open_people(settings), options.username, _ask_password(), role)
    return 0


def change_password(options: argparse.Namespace, settings: config.Settings) -> int:
    """Change a user's password."""
    from otel_fmd.actions import users

    users.set_password(OPERATOR, open_people(settings), options.username, _ask_password())
    return 0


def remove(options: argparse.Namespace, settings: config.Settings) -> int:
    """Remove a user."""
    from otel_fmd.actions import users

    users.remove_user(OPERATOR, open_people(settings), options.username)
    return 0


def show_all(_options: argparse.Namespace, settings: config.Settings) -> int:
    """List users."""
    from otel_fmd.people.users import Users

    for user in Users(open_people(settings)).all():
        print(user.username, user.actor.role.name.lower(), sep="\t")
    return 0


def _ask_password() -> str:
    """A password from the terminal, entered twice; from a pipe, its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ConfigurationError("the two passwords differ")
    return first
