"""The command line: `otel-fmd serve`, `demo`, `init-db`, `user`."""

from __future__ import annotations

import argparse
import getpass
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

from otel_fmd import config
from otel_fmd._version import __version__
from otel_fmd.errors import ConfigurationError, OtelFmdError

_FAILED = 2
_SERVE_OPTIONS = (
    "host",
    "otlp_http_port",
    "otlp_grpc_port",
    "dashboard_port",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code: 0, or 2 after one line that says what is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        settings = config.load(**_given(options))
        _log_to_stderr(settings.log_level)
        code: int = options.run(options, settings)
    except OtelFmdError as error:
        print(f"otel-fmd: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="otel-fmd",
        description="The Flask Monitoring Dashboard, rebuilt on OpenTelemetry.",
        epilog="Every option can be set as OTEL_FMD_<NAME>; an option given here wins.",
    )
    parser.add_argument("--version", action="version", version=f"otel-fmd {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, run, description in (
        ("serve", _serve, "receive OTLP and show the dashboard"),
        ("demo", _demo, "serve, with an instrumented shop under traffic"),
    ):
        command = _command(commands, name, run, description)
        for option in _SERVE_OPTIONS:
            flag = "--" + option.replace("_", "-")
            command.add_argument(flag, metavar="VALUE", help=_help(option))
        if name == "serve":
            command.add_argument(
                "--no-dashboard", action="store_const", const=False, dest="dashboard"
            )
            command.add_argument(
                "--no-receiver", action="store_const", const=False, dest="receiver"
            )
    _command(commands, "init-db", _init_db, "make or upgrade the tables and the first user")
    user = commands.add_parser("user", help="add, change, list and remove users")
    actions = user.add_subparsers(metavar="action", required=True)
    add = _command(actions, "add", _user_add, "add a guest, or an admin with --admin")
    add.add_argument("username")
    add.add_argument("--admin", action="store_true")
    password = _command(actions, "password", _user_password, "change a password")
    password.add_argument("username")
    remove = _command(actions, "remove", _user_remove, "remove a user")
    remove.add_argument("username")
    _command(actions, "list", _user_list, "list users")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[Any, config.Settings], int], description: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=description
    )
    command.set_defaults(run=run)
    command.add_argument("--database-url", metavar="URL", help=_help("database_url"))
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


def _serve(options: argparse.Namespace, settings: config.Settings) -> int:
    server = _server(settings)
    stopping = _stop_on_signals()
    server.start()
    _announce(server)
    stopping.wait()
    server.stop()
    return 0


def _demo(options: argparse.Namespace, settings: config.Settings) -> int:
    server = _server(replace(settings, dashboard=True, receiver=True))
    from otel_fmd.demo.run import Demo

    stopping = _stop_on_signals()
    server.start()
    demo = Demo(server.addresses["otlp-http"])
    try:
        demo.start()
        _announce(server)
        print("The demo sends 14 days of history first; live traffic follows.", flush=True)
        stopping.wait()
    finally:
        demo.stop()
        server.stop()
    return 0


def _server(settings: config.Settings) -> Any:
    try:
        from otel_fmd.serve import Server
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"this command needs {error.name!r}: pip install 'otel-fmd[server]'"
        ) from None
    return Server(settings)


def _announce(server: Any) -> None:
    if server.generated_password is not None:
        print("First start: user admin, password", server.generated_password, flush=True)
    where = " ".join(f"{name}={url}" for name, url in server.addresses.items())
    print(f"ready {where} database={server.store.display_url}", flush=True)


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


def _init_db(options: argparse.Namespace, settings: config.Settings) -> int:
    from otel_fmd.database.schema import HEAD

    users = _users(settings)
    password = users.ensure_admin(settings.admin_password)
    if password is not None:
        print("Made the first user: admin, password", password)
    print(f"The database is at schema {HEAD}.")
    return 0


def _user_add(options: argparse.Namespace, settings: config.Settings) -> int:
    _users(settings).add(options.username, _ask_password(), is_admin=options.admin)
    return 0


def _user_password(options: argparse.Namespace, settings: config.Settings) -> int:
    _users(settings).set_password(options.username, _ask_password())
    return 0


def _user_remove(options: argparse.Namespace, settings: config.Settings) -> int:
    _users(settings).remove(options.username)
    return 0


def _user_list(options: argparse.Namespace, settings: config.Settings) -> int:
    for user in _users(settings).all():
        print(user.username, "admin" if user.is_admin else "guest", sep="\t")
    return 0


def _users(settings: config.Settings) -> Any:
    from otel_fmd.database.schema import ensure_schema
    from otel_fmd.database.store import Store
    from otel_fmd.database.users import Users

    try:
        import werkzeug  # noqa: F401 - hashes passwords
    except ModuleNotFoundError:
        raise ConfigurationError("users need 'werkzeug': pip install 'otel-fmd[server]'") from None
    store = Store(settings.database_url, settings.table_prefix)
    ensure_schema(store)
    return Users(store)


def _ask_password() -> str:
    """A password from the terminal, asked twice; from a pipe, its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ConfigurationError("the two passwords differ")
    return first
