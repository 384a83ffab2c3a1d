"""What can be done with a group of exceptions, and its callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, html, no_update

from dash_app.components.frame import framed
from dash_app.components.notes import refused
from dash_app.context import Context
from dash_app.page import MakeContext
from otel_fmd.actions import exceptions as actions
from otel_fmd.analysis.text import visible
from otel_fmd.errors import ConfigurationError, OtelFmdError
from otel_fmd.people.actor import Role
from otel_fmd.views.exception_group import GROUP, WholeGroup

_RESOLVE = (
    ("now", "Resolve"),
    ("next", "Resolve in the next version"),
)
_IGNORE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("1d", "Ignore for a day", {"days": 1.0}),
    ("7d", "Ignore for a week", {"days": 7.0}),
    ("100x", "Ignore the next 100", {"times": 100}),
    ("ever", "Ignore for ever", {}),
)
_BUTTONS = (
    *(f"exception-resolve-{name}" for name, _ in _RESOLVE),
    "exception-resolve-version",
    *(f"exception-ignore-{name}" for name, _, _ in _IGNORE),
    "exception-reopen",
    "exception-save",
    "exception-merge",
    "exception-unmerge",
    "exception-split",
    "exception-remove",
)
_FIELDS = (
    "exception-version",
    "exception-assignee",
    "exception-note",
    "exception-into",
    "exception-merged",
    "exception-variants",
    "exception-sure",
)


def decisions(data: WholeGroup, context: Context) -> list[Any]:
    """What can be decided about a group, for those who may."""
    if context.actor.role < Role.WRITER:
        return []
    group = data.figures.group
    versions = list(data.figures.versions)
    resolve = [_button(f"exception-resolve-{name}", label) for name, label in _RESOLVE]
    ignore = [_button(f"exception-ignore-{name}", label) for name, label, _ in _IGNORE]
    card = framed(
        [
            html.H2("Decide", className="card-title"),
            html.P(
                "A resolved group that occurs again is shown as regressed. Resolved in a version: "
                "only in that one or a newer one.",
                className="card-help",
            ),
            dmc.Group(
                [
                    *resolve,
                    dmc.Select(
                        id="exception-version",
                        data=versions,
                        value=versions[0] if versions else None,
                        size="xs",
                        w=150,
                        **{"aria-label": "Version that it is resolved in"},
                    ),
                    _button("exception-resolve-version", "Resolve in this version"),
                ],
                gap="xs",
            ),
            dmc.Group([*ignore, _button("exception-reopen", "Reopen")], gap="xs", mt="sm"),
            dmc.Group(
                [
                    dmc.TextInput(
                        id="exception-assignee",
                        label="Assigned to",
                        value=group.assignee or "",
                        w=220,
                    ),
                    dmc.Textarea(
                        id="exception-note",
                        label="Note",
                        value=group.note or "",
                        autosize=True,
                        minRows=1,
                        w=420,
                    ),
                    dmc.Button("Save", id="exception-save"),
                ],
                align="end",
                mt="sm",
            ),
            html.Div(id="exception-note-area", role="status"),
        ]
    )
    return [card]


def regrouping(data: WholeGroup, context: Context) -> list[Any]:
    """Merging, splitting and removing, for those who may."""
    if context.actor.role < Role.WRITER:
        return []
    others = [
        {"value": str(one.id), "label": f"{one.type}: {visible(one.message)[:60]} ({one.culprit})"}
        for one in data.others
    ]
    merged = [
        {"value": str(one.id), "label": f"{one.type}: {visible(one.message)[:60]}"}
        for one in data.merged
    ]
    variants = [
        dmc.Checkbox(
            label=f"{visible(one.message) or '(no message)'} · {one.occurrences:,}",
            value=str(one.id),
        )
        for one in data.variants
    ]
    card = framed(
        [
            html.H2("Merge, split, remove", className="card-title"),
            html.P(
                "What is merged or split stays so for what comes. Removing deletes all "
                "occurrences; if it occurs again, it is a new group.",
                className="card-help",
            ),
            dmc.Group(
                [
                    dmc.Select(
                        id="exception-into",
                        label="Merge into",
                        data=others,
                        searchable=True,
                        clearable=True,
                        placeholder="another group of this service",
                        w=420,
                    ),
                    _button("exception-merge", "Merge"),
                ],
                align="end",
            ),
            dmc.Group(
                [
                    dmc.Select(
                        id="exception-merged",
                        label="Merged into this one",
                        data=merged,
                        clearable=True,
                        placeholder="none" if not merged else "choose one",
                        w=420,
                    ),
                    _button("exception-unmerge", "Take out again"),
                ],
                align="end",
                mt="sm",
            ),
            dmc.CheckboxGroup(
                id="exception-variants",
                label="Variants, with their occurrences in the selected time",
                children=dmc.Stack(variants, gap=6, mt=6),
                mt="sm",
            ),
            dmc.Group(
                [
                    _button("exception-split", "Split off the chosen ones"),
                    dmc.Checkbox(id="exception-sure", label="I am sure", checked=False),
                    dmc.Button("Remove", id="exception-remove", color="red", variant="outline"),
                ],
                mt="sm",
            ),
        ]
    )
    return [card]


def _button(name: str, label: str) -> dmc.Button:
    return dmc.Button(label, id=name, variant="default", size="xs")


def register(app: Dash, make: MakeContext, draw: Callable[[Context], Any]) -> None:
    """All buttons; `draw` draws the page anew."""

    @app.callback(
        Output("exception-note-area", "children"),
        Output("content", "children", allow_duplicate=True),
        Output("url", "href", allow_duplicate=True),
        *(Input(name, "n_clicks") for name in _BUTTONS),
        *(State(name, "checked" if name == "exception-sure" else "value") for name in _FIELDS),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def change(*values: Any) -> Any:
        clicks, rest = values[: len(_BUTTONS)], values[len(_BUTTONS) :]
        *fields, path, search = rest
        if not any(clicks):
            return no_update, no_update, no_update
        context = make(path, search)
        try:
            number = _group_of(path)
            moved = _change(
                context, number, str(ctx.triggered_id), dict(zip(_FIELDS, fields, strict=True))
            )
        except OtelFmdError as error:
            return refused(error), no_update, no_update
        if moved == number:
            return no_update, draw(context), no_update
        to = context.href(f"/exception/{moved}" if moved else "/exceptions")
        return no_update, no_update, to


def _group_of(path: str) -> int:
    """The group that a page is about."""
    text = path.rstrip("/").rpartition("/")[2]
    try:
        return GROUP.read(text)
    except ValueError as error:
        raise ConfigurationError(f"exception group {error}") from None


def _change(context: Context, group: int, button: str, fields: dict[str, Any]) -> int:
    """Do what a button says; the group to show then, 0 for the list."""
    actor, store = context.actor, context.reader.store
    name = button.removeprefix("exception-")
    ignoring = {f"ignore-{key}": options for key, _, options in _IGNORE}
    if name in ignoring:
        actions.ignore(actor, store, group, **ignoring[name])
    elif name == "resolve-version":
        version = str(fields["exception-version"] or "")
        actions.resolve(actor, store, group, actions.IN_VERSION, version)
    elif name.startswith("resolve-"):
        actions.resolve(actor, store, group, name.removeprefix("resolve-"))
    elif name == "reopen":
        actions.reopen(actor, store, group)
    elif name == "save":
        actions.assign(actor, store, group, str(fields["exception-assignee"] or ""))
        actions.note(actor, store, group, str(fields["exception-note"] or ""))
    else:
        return _regroup(context, group, name, fields)
    return group


def _regroup(context: Context, group: int, name: str, fields: dict[str, Any]) -> int:
    actor, store = context.actor, context.reader.store
    if name == "merge":
        into = _chosen(fields["exception-into"], "a group to merge into")
        actions.merge(actor, store, [group], into)
        return into
    if name == "unmerge":
        actions.unmerge(actor, store, _chosen(fields["exception-merged"], "a merged group"))
        return group
    if name == "split":
        chosen = fields["exception-variants"]
        ids = [_chosen(one, "a variant") for one in chosen] if isinstance(chosen, list) else []
        return actions.split(actor, store, group, ids)
    if not fields["exception-sure"]:
        raise ConfigurationError("Tick “I am sure” first: a removed group cannot be brought back.")
    actions.remove(actor, store, group)
    return 0


def _chosen(value: Any, what: str) -> int:
    try:
        return GROUP.read(str(value or ""))
    except ValueError:
        raise ConfigurationError(f"Choose {what} first.") from None
