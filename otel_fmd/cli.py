"""The command line, `otel-fmd`: its commands and their options."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

from otel_fmd import config
from otel_fmd._version import __version__
from otel_fmd.commands import configuration, database, serving, tokens, users
from otel_fmd.dashboard_package import shadow_of
from otel_fmd.errors import ConfigurationError, OtelFmdError

_FAILED = 2
_SERVE_OPTIONS = (
    "host",
    "otlp_http_port",
    "otlp_grpc_port",
    "dashboard_port",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0, or 2 after one line that says what is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        options.given = _given(options)
        settings = config.load(**options.given)
        _log_to_stderr(settings.log_level)
        code: int = options.run(options, settings)
    except OtelFmdError as error:
        print(f"otel-fmd: {error}", file=sys.stderr)
        return _FAILED
    except ModuleNotFoundError as error:
        print(f"otel-fmd: {_missing(error)}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return 130
    return code


def _missing(error: ModuleNotFoundError) -> str:
    """What to install for a module that a command needs, or which file stands in front of it."""
    package = (error.name or "").partition(".")[0]
    shadow = shadow_of(package)
    if shadow:
        return (
            f"the package {package!r} is shadowed by {shadow}: rename that file or folder, or run "
            "this command from another folder"
        )
    return f"this command needs {package!r}: pip install 'otel-fmd[server]'"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="otel-fmd",
        description="The Flask Monitoring Dashboard, rebuilt on OpenTelemetry.",
        epilog="Every option can be set as OTEL_FMD_<NAME>; an option given here wins.",
    )
    parser.add_argument("--version", action="version", version=f"otel-fmd {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, run, description in (
        ("serve", serving.serve, "receive OTLP and show the dashboard"),
        ("demo", serving.demo, "the same, with an instrumented demo shop under traffic"),
    ):
        command = _command(commands, name, run, description)
        for option in _SERVE_OPTIONS:
            flag = "--" + option.replace("_", "-")
            command.add_argument(flag, metavar="VALUE", help=_help(option))
        command.add_argument("--insecure", action="store_const", const=True, help=_help("insecure"))
        if name == "serve":
            for part in ("dashboard", "receiver"):
                command.add_argument(
                    f"--no-{part}",
                    action="store_const",
                    const=False,
                    dest=part,
                    help=f"do not start the {part}",
                )
    _command(
        commands,
        "init-db",
        database.init_db,
        "create or upgrade the tables, and create the first user",
    )
    migrate = _command(
        commands, "migrate", database.migrate, "upgrade the tables, or adopt an FMD database"
    )
    migrate.add_argument(
        "--service", default="flask", help="service of the adopted endpoints (default: flask)"
    )
    _command(
        commands,
        "maintain",
        database.maintain,
        "fold deltas, prune by the configured ages, enforce the size cap",
    )
    prune = _command(commands, "prune", database.prune, "delete data older than a number of days")
    for kind in ("requests", "outliers", "profiles", "logs", "rollups", "custom-graphs", "audit"):
        prune.add_argument(
            f"--{kind}", type=float, default=0, metavar="DAYS", help="delete those older than this"
        )
    check = _command(
        commands, "check", database.check, "compare the rollups with a recount of the rows"
    )
    check.add_argument("--repair", action="store_true", help="replace the rollups with the recount")
    settings = commands.add_parser("config", help="the settings in force")
    kinds = settings.add_subparsers(metavar="action", required=True)
    _command(
        kinds, "show", configuration.show, "every setting, its value, and where that came from"
    )
    user = commands.add_parser("user", help="add, change, list and remove users")
    actions = user.add_subparsers(metavar="action", required=True)
    add = _command(actions, "add", users.add, "add a guest, or an admin with --admin")
    add.add_argument("username")
    add.add_argument("--admin", action="store_true", help="make the user an admin")
    password = _command(actions, "password", users.change_password, "change a password")
    password.add_argument("username")
    remove = _command(actions, "remove", users.remove, "remove a user")
    remove.add_argument("username")
    _command(actions, "list", users.show_all, "list users")
    _command(
        actions, "setup-link", users.setup_link, "print a link with which the first user is created"
    )
    _add_tokens(commands)
    return parser


def _add_tokens(commands: Any) -> None:
    token = commands.add_parser("token", help="create, list and revoke API tokens")
    actions = token.add_subparsers(metavar="action", required=True)
    add = _command(actions, "add", tokens.add, "create an API token, and print it once")
    add.add_argument("name")
    add.add_argument(
        "--scope",
        action="append",
        default=[],
        metavar="SCOPE",
        help="what it may be used for: read, write, admin or ingest; may be given several times",
    )
    add.add_argument("--days", type=int, metavar="DAYS", help="valid for so many days")
    revoke = _command(actions, "revoke", tokens.revoke, "revoke an API token")
    revoke.add_argument("name")
    _command(actions, "list", tokens.show_all, "list API tokens")


def _command(
    commands: Any, name: str, run: Callable[[Any, config.Settings], int], description: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=description
    )
    command.set_defaults(run=run)
    command.add_argument("--database-url", metavar="URL", help=_help("database_url"))
    command.add_argument("--config-file", metavar="FILE", help=_help("config_file"))
    command.add_argument("--table-prefix", metavar="TEXT", help=_help("table_prefix"))
    return command


def _help(name: str) -> str:
    default, description = next((d, h) for n, _, d, h in config.describe() if n == name)
    return f"{description} Default: {default or 'none'}.".replace("%", "%%").replace("`", "")


def _given(options: argparse.Namespace) -> dict[str, Any]:
    known = {name for name, *_ in config.describe()}
    return {k: v for k, v in vars(options).items() if k in known and v is not None}


def _log_to_stderr(level: str) -> None:
    number = logging.getLevelName(level.upper())
    if not isinstance(number, int):
        raise ConfigurationError(
            f"OTEL_FMD_LOG_LEVEL={level!r}: expected DEBUG, INFO, WARNING or ERROR"
        )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("otel_fmd").setLevel(number)
