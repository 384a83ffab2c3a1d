"""The routes about exceptions: groups, and what is decided about them."""

from __future__ import annotations

from otel_fmd.actions import exceptions as actions
from otel_fmd.people.actor import Role
from otel_fmd.views.api import exceptions
from otel_fmd.views.api.look import SELECTION, TIMES
from otel_fmd.views.exception_group import EXCEPTION_GROUP, GROUP
from otel_fmd.views.exceptions import ENDPOINT_EXCEPTIONS, EXCEPTION_GROUPS
from otel_fmd.web.api.bodies import GroupChange, Merge, NewState, Split, SplitGroup
from otel_fmd.web.api.lists import single
from otel_fmd.web.api.problems import ProblemError
from otel_fmd.web.api.reading import EXCEPTION
from otel_fmd.web.api.route import Call, Route

_GROUP = "/exceptions/<group>"


def _set_state(call: Call) -> None:
    one, number = call.body, call.look.value(GROUP)
    actor, store = call.actor, call.api.store
    if one.state == "resolved":
        actions.resolve(actor, store, number, one.resolved_in, one.version)
    elif one.state == "ignored":
        actions.ignore(actor, store, number, days=one.days, times=one.times)
    else:
        actions.reopen(actor, store, number)


def _change_exception(call: Call) -> None:
    one, number = call.body, call.look.value(GROUP)
    if one.assignee is None and one.note is None:
        raise ProblemError(422, "expected an assignee, a note, or both")
    if one.assignee is not None:
        actions.assign(call.actor, call.api.store, number, one.assignee)
    if one.note is not None:
        actions.note(call.actor, call.api.store, number, one.note)


def _merge_exceptions(call: Call) -> None:
    actions.merge(call.actor, call.api.store, call.body.group_ids, call.look.value(GROUP))


def _unmerge_exception(call: Call) -> None:
    actions.unmerge(call.actor, call.api.store, call.look.value(GROUP))


def _split_exceptions(call: Call) -> SplitGroup:
    number = call.look.value(GROUP)
    made = actions.split(call.actor, call.api.store, number, call.body.variant_ids)
    return SplitGroup(made)


def _remove_exception(call: Call) -> None:
    actions.remove(call.actor, call.api.store, call.look.value(GROUP))


READING: tuple[Route, ...] = (
    single(
        "/exceptions",
        EXCEPTION,
        EXCEPTION_GROUPS,
        exceptions.ExceptionList,
        exceptions.groups,
        SELECTION,
    ),
    single(
        "/endpoints/<endpoint>/exceptions",
        EXCEPTION,
        ENDPOINT_EXCEPTIONS,
        exceptions.ExceptionList,
        exceptions.groups,
        SELECTION,
    ),
    single(
        "/exceptions/<group>",
        EXCEPTION,
        EXCEPTION_GROUP,
        exceptions.ExceptionDetails,
        exceptions.details,
        TIMES,
        missing=lambda data: data.reason,
    ),
)
CHANGING: tuple[Route, ...] = (
    Route(
        f"{_GROUP}/state",
        "PUT",
        Role.WRITER,
        EXCEPTION,
        "Resolve, ignore or reopen",
        _set_state,
        "A resolved group that occurs again is shown as regressed.",
        (GROUP,),
        body=NewState,
        status=204,
    ),
    Route(
        _GROUP,
        "PATCH",
        Role.WRITER,
        EXCEPTION,
        "Assign, or note something",
        _change_exception,
        "What is null or missing stays.",
        (GROUP,),
        body=GroupChange,
        status=204,
    ),
    Route(
        f"{_GROUP}/merges",
        "POST",
        Role.WRITER,
        EXCEPTION,
        "Merge groups into this one",
        _merge_exceptions,
        "With what comes for them.",
        (GROUP,),
        body=Merge,
        status=204,
    ),
    Route(
        f"{_GROUP}/merged-into",
        "DELETE",
        Role.WRITER,
        EXCEPTION,
        "Take a merged group out again",
        _unmerge_exception,
        parameters=(GROUP,),
        status=204,
    ),
    Route(
        f"{_GROUP}/splits",
        "POST",
        Role.WRITER,
        EXCEPTION,
        "Split variants off",
        _split_exceptions,
        "With what comes for them.",
        (GROUP,),
        answer=SplitGroup,
        body=Split,
        status=201,
    ),
    Route(
        _GROUP,
        "DELETE",
        Role.ADMIN,
        EXCEPTION,
        "Remove a group",
        _remove_exception,
        "With every occurrence of it; if it occurs again, it is a new one.",
        (GROUP,),
        status=204,
    ),
)
