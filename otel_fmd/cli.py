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
    migrate = _command(
        commands, "migrate", _migrate, "upgrade the tables, or adopt a database of FMD"
    )
    migrate.add_argument(
        "--service", default="flask", help="service of the adopted endpoints. Default: flask."
    )
    _command(commands, "maintain", _maintain, "fold deltas, prune by the ages that are set")
    prune = _command(commands, "prune", _prune, "remove what is older than a number of days")
    for kind in ("requests", "outliers", "profiles", "rollups", "custom-graphs"):
        prune.add_argument(f"--{kind}", type=float, default=0, metavar="DAYS")
    check = _command(commands, "check", _check, "compare the rollups with a recount of the rows")
    check.add_argument("--repair", action="store_true", help="replace them by the recount")
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


def _migrate(options: argparse.Namespace, settings: config.Settings) -> int:
    from otel_fmd.database.adopt import adopt, is_foreign
    from otel_fmd.database.schema import HEAD, ensure_schema
    from otel_fmd.database.store import Store

    store = Store(settings.database_url, settings.table_prefix)
    if is_foreign(store):
        print("Adopting a database of the Flask Monitoring Dashboard: its tables are rebuilt once.")
    else:
        ensure_schema(store)
    adopted = adopt(store, options.service, settings.max_users, _progress_bar)
    if adopted:
        print(f"\nCounted {adopted:,} adopted requests.")
    print(f"The database is at schema {HEAD}.")
    return 0


def _progress_bar(done: int, whole: int) -> None:
    if sys.stderr.isatty():
        filled = 40 * done // max(1, whole)
        bar = "#" * filled + "." * (40 - filled)
        print(f"\r[{bar}] {done:,} of {whole:,}", end="", file=sys.stderr, flush=True)


def _maintain(options: argparse.Namespace, settings: config.Settings) -> int:
    from otel_fmd.database.fold import Folder
    from otel_fmd.database.retention import Retention
    from otel_fmd.maintenance import ages_of

    store = _open(settings)
    folder, folded = Folder(store, settings.max_users), 0
    while step := folder.fold(256) + folder.fold_who(256):
        folded += step
    retention = Retention(store)
    removed = retention.prune(ages_of(settings))
    evicted = retention.enforce(settings.max_database_size)
    print(
        f"Folded {folded} deltas. Pruned: {removed or 'nothing'}. Evicted: {evicted or 'nothing'}."
    )
    return 0


def _prune(options: argparse.Namespace, settings: config.Settings) -> int:
    from otel_fmd.database.retention import Ages, Retention

    ages = Ages(
        options.requests, options.outliers, options.profiles, options.rollups, options.custom_graphs
    )
    given = (ages.requests, ages.outliers, ages.profiles, ages.rollups, ages.custom_graphs)
    if not ages.any or min(given) < 0:
        raise ConfigurationError("say what is to be removed, for example --requests 90")
    removed = Retention(_open(settings)).prune(ages)
    print(
        "Removed:", ", ".join(f"{number:,} {kind}" for kind, number in removed.items()) or "nothing"
    )
    return 0


def _check(options: argparse.Namespace, settings: config.Settings) -> int:
    from otel_fmd.database.fold import Folder
    from otel_fmd.database.recount import check, repair

    store = _open(settings)
    if options.repair:
        repair(store, Folder(store, settings.max_users))
    differences = check(store)
    for one in differences[:50]:
        print(f"{one.table} {one.key}: stored {one.stored}, counted {one.counted}")
    print(f"{len(differences)} differences between rollups and rows.")
    return 1 if differences else 0


def _open(settings: config.Settings) -> Any:
    from otel_fmd.database.schema import ensure_schema
    from otel_fmd.database.store import Store

    store = Store(settings.database_url, settings.table_prefix)
    ensure_schema(store)
    return store


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
