"""`otel-fmd user`."""

from __future__ import annotations

import argparse
import getpass
import sys

from otel_fmd import config
from otel_fmd.commands.opening import open_users
from otel_fmd.errors import ConfigurationError


def add(options: argparse.Namespace, settings: config.Settings) -> int:
    """Add a user."""
    open_users(settings).add(options.username, _ask_password(), is_admin=options.admin)
    return 0


def change_password(options: argparse.Namespace, settings: config.Settings) -> int:
    """Change a user's password."""
    open_users(settings).set_password(options.username, _ask_password())
    return 0


def remove(options: argparse.Namespace, settings: config.Settings) -> int:
    """Remove a user."""
    open_users(settings).remove(options.username)
    return 0


def show_all(_options: argparse.Namespace, settings: config.Settings) -> int:
    """List users."""
    for user in open_users(settings).all():
        print(user.username, "admin" if user.is_admin else "guest", sep="\t")
    return 0


def _ask_password() -> str:
    """A password from the terminal, asked twice; from a pipe, its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ConfigurationError("the two passwords differ")
    return first
