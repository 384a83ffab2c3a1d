"""The routes that change something: each calls an action, which decides who may."""

from __future__ import annotations

from otel_fmd.actions import exceptions, levels, maintenance, pruning, tokens, users
from otel_fmd.actions.account import end_own_session
from otel_fmd.people.actor import Role
from otel_fmd.upkeep.retention import Ages, ages_of
from otel_fmd.views.api.administration import User
from otel_fmd.views.parameters import ENDPOINT, Parameter, whole_number, whole_schema
from otel_fmd.web.api.bodies import (
    CreatedToken,
    KeptDays,
    Maintained,
    MonitorLevel,
    NewSchedule,
    NewToken,
    NewUser,
    Removed,
    UserChange,
)
from otel_fmd.web.api.problems import ProblemError
from otel_fmd.web.api.reading import ENDPOINTS, PEOPLE, REQUEST, SERVER
from otel_fmd.web.api.route import Call, Route


def _set_level(call: Call) -> None:
    levels.set_monitor_level(
        call.actor, call.api.store, call.look.endpoint_id, call.body.monitor_level
    )


def _add_user(call: Call) -> User:
    one, on = call.body, call.api.settings.password_login
    role = Role[one.role.upper()]
    users.add_user(call.actor, call.api.store, one.username, one.password, role, passwords_on=on)
    return User(one.username, one.role)


def _change_user(call: Call) -> None:
    name, change = call.values["username"], call.body
    if change.role is None and change.password is None:
        raise ProblemError(422, "expected a role, a password, or both")
    role = None if change.role is None else Role[change.role.upper()]
    on = call.api.settings.password_login
    users.change_user(call.actor, call.api.store, name, role, change.password, passwords_on=on)


def _remove_user(call: Call) -> None:
    users.remove_user(call.actor, call.api.store, call.values["username"])


def _add_token(call: Call) -> CreatedToken:
    one = call.body
    secret = tokens.add_token(call.actor, call.api.store, one.name, one.scopes, one.days)
    return CreatedToken(one.name, secret)


def _remove_token(call: Call) -> None:
    tokens.remove_token(call.actor, call.api.store, call.values["name"])


def _end_session(call: Call) -> None:
    end_own_session(call.actor, call.api.store, call.values["id"])


def _set_schedule(call: Call) -> None:
    one = call.body
    schedule = pruning.schedule_of(one.cron, one.weeks_to_keep, one.delete_custom_graph_data)
    pruning.set_schedule(call.actor, call.api.store, schedule)


def _remove_schedule(call: Call) -> None:
    pruning.set_schedule(call.actor, call.api.store, None)


def _prune(call: Call) -> Removed:
    one = call.body
    ages = Ages(
        one.requests_days,
        one.outliers_days,
        one.profiles_days,
        one.logs_days,
        one.rollups_days,
        one.custom_graphs_days,
        one.audit_days,
    )
    if not ages.any:
        raise ProblemError(422, "expected a number of days above 0 for one kind at least")
    return Removed(pruning.prune(call.actor, call.api.store, ages))


def _maintain(call: Call) -> Maintained:
    settings = call.api.settings
    done = maintenance.maintain(
        call.actor,
        call.api.store,
        ages_of(settings),
        settings.max_database_size,
        settings.max_users,
    )
    return Maintained(done.folded, done.pruned, done.evicted)


def _recount(call: Call) -> None:
    maintenance.repair_rollups(call.actor, call.api.store, call.api.settings.max_users)


def _remove_exception(call: Call) -> None:
    number = call.look.value(STACK_TRACE)
    exceptions.remove_exception(call.actor, call.api.store, number)


USERNAME = Parameter("username", "The name of a user.", str, "", in_path=True)
TOKEN = Parameter("name", "The name of a token.", str, "", in_path=True)
SESSION = Parameter("id", "The id of a session, as listed.", str, "", in_path=True)
STACK_TRACE = Parameter(
    "stack_trace",
    "The id of a stack trace.",
    whole_number,
    0,
    in_path=True,
    schema=whole_schema(),
)
_USER, _TOKEN, _SCHEDULE = "/users/<path:username>", "/tokens/<path:name>", "/pruning-schedule"
ROUTES: tuple[Route, ...] = (
    Route(
        "/endpoints/<endpoint>/monitor-level",
        "PUT",
        Role.WRITER,
        ENDPOINTS,
        "Set the monitor level",
        _set_level,
        "Apps take it over within seconds.",
        (ENDPOINT,),
        body=MonitorLevel,
        status=204,
    ),
    Route(
        "/exceptions/<stack_trace>",
        "DELETE",
        Role.ADMIN,
        REQUEST,
        "Remove a stack trace",
        _remove_exception,
        "With every occurrence of it.",
        (STACK_TRACE,),
        status=204,
    ),
    Route(
        "/users",
        "POST",
        Role.ADMIN,
        PEOPLE,
        "Add a user",
        _add_user,
        answer=User,
        body=NewUser,
        status=201,
    ),
    Route(
        _USER,
        "PATCH",
        Role.ADMIN,
        PEOPLE,
        "Change a user",
        _change_user,
        "Role, password or both; it ends the user's sessions.",
        (USERNAME,),
        body=UserChange,
        status=204,
    ),
    Route(
        _USER,
        "DELETE",
        Role.ADMIN,
        PEOPLE,
        "Remove a user",
        _remove_user,
        "With their sessions, and their tokens except those that only send telemetry.",
        (USERNAME,),
        status=204,
    ),
    Route(
        "/tokens",
        "POST",
        Role.ADMIN,
        PEOPLE,
        "Create an API token",
        _add_token,
        "The answer has the token, which cannot be read again.",
        answer=CreatedToken,
        body=NewToken,
        status=201,
    ),
    Route(
        _TOKEN,
        "DELETE",
        Role.ADMIN,
        PEOPLE,
        "Revoke an API token",
        _remove_token,
        parameters=(TOKEN,),
        status=204,
    ),
    Route(
        "/sessions/<id>",
        "DELETE",
        Role.GUEST,
        PEOPLE,
        "End one of your sessions",
        _end_session,
        parameters=(SESSION,),
        status=204,
    ),
    Route(
        _SCHEDULE,
        "PUT",
        Role.ADMIN,
        SERVER,
        "Set the pruning schedule",
        _set_schedule,
        "It stands in the answer of `/database`.",
        body=NewSchedule,
        status=204,
    ),
    Route(
        _SCHEDULE,
        "DELETE",
        Role.ADMIN,
        SERVER,
        "Remove the pruning schedule",
        _remove_schedule,
        status=204,
    ),
    Route(
        "/database/prunings",
        "POST",
        Role.ADMIN,
        SERVER,
        "Prune now",
        _prune,
        "Removes what is older than given.",
        answer=Removed,
        body=KeptDays,
    ),
    Route(
        "/database/maintenance",
        "POST",
        Role.ADMIN,
        SERVER,
        "Maintain the database now",
        _maintain,
        "Folds, prunes and evicts, as the receiver does by itself.",
        answer=Maintained,
    ),
    Route(
        "/database/recounts",
        "POST",
        Role.ADMIN,
        SERVER,
        "Recount the rollups",
        _recount,
        "Replaces them by a recount of the requests.",
        status=204,
    ),
)
