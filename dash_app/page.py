"""A page: its address, its place in the navigation, its content and its callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from dash import Dash

from dash_app.chart import Chart, card
from dash_app.context import Context
from otel_fmd.people.actor import Role, require
from otel_fmd.views.choices import CHOICES
from otel_fmd.views.load import Loaded
from otel_fmd.views.view import View

D = TypeVar("D")
APPLICATION, ENDPOINT, ADMINISTRATION, HIDDEN = "application", "endpoint", "administration", ""
PARAMETER = "<"
MakeContext = Callable[[str, str], Context]
"""A context from the path and the search part of a browser's address."""


class Live(NamedTuple):
    """What changes in a table while a page is live.

    Its rows, and the content above it (None: unchanged).
    """

    rows: list[dict[str, Any]]
    above: Any = None


@dataclass(frozen=True, slots=True)
class LiveTable(Generic[D]):
    """A table that is refreshed: the view of its data, and how it is shown."""

    view: View[D]
    show: Callable[[D, Context], Live]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the dashboard.

    Args:
        path: its address; a part in `<>` is a parameter, such as `/endpoint/<endpoint>/users`.
        title: its name in the navigation and the browser tab.
        section: its section of the navigation.
        charts: its charts, shown one below the other unless there is a `layout`.
        views: further views that the layout needs; those for a higher role are left out.
        layout: draws the content if it is more than charts.
        role: who may see it.
        tables: how each table on it is refreshed, by the table's name.
        register: its own callbacks.
    """

    path: str
    title: str
    section: str
    charts: Sequence[Chart[Any]] = field(default=())
    views: Sequence[View[Any]] = field(default=())
    layout: Callable[[Loaded[Context], Context], Any] | None = None
    role: Role = Role.GUEST
    tables: Mapping[str, LiveTable[Any]] = field(default_factory=dict)
    register: Callable[[Dash, MakeContext], None] | None = None

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters if the address is this page's; else None."""
        mine, theirs = self.path.strip("/").split("/"), path.strip("/").split("/")
        if len(mine) != len(theirs):
            return None
        found: dict[str, str] = {}
        for one, other in zip(mine, theirs, strict=True):
            if one.startswith(PARAMETER):
                found[one.strip("<>")] = other
            elif one != other:
                return None
        return found

    def address(self, parameters: dict[str, str] | None = None) -> str:
        """The path with its parameters filled in."""
        path = self.path
        for name, value in (parameters or {}).items():
            path = path.replace(f"<{name}>", value)
        return path

    def chart(self, key: str) -> Chart[Any] | None:
        """The chart with this key; None if the page has none."""
        return next((chart for chart in self.charts if chart.key == key), None)

    def load(self, context: Context) -> Loaded[Context]:
        """All data of the page, and the choices of its selectors, from one snapshot.

        Raises:
            NotAllowedError: the page is for a higher role.
            StoreError: the database cannot be read.
        """
        require(context.actor, self.role, "see this page")
        views = {view.name: view for chart in self.charts for view in chart.views}
        for view in (CHOICES, *self.views, *(table.view for table in self.tables.values())):
            if context.actor.role >= view.role:
                views[view.name] = view
        return context.load(list(views.values()))

    def content(self, loaded: Loaded[Context]) -> Any:
        """What the page shows."""
        if self.layout is not None:
            return self.layout(loaded, loaded.look)
        return [card(chart, loaded) for chart in self.charts]
