"""A page: its address, its place in the navigation, its layout and the views on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dash_app.context import Context
from dash_app.view import View, card

APPLICATION, ENDPOINT, ADMINISTRATION, HIDDEN = "application", "endpoint", "administration", ""
PARAMETER = "<"


class Live(NamedTuple):
    """What of a table changes while a page is live: its rows, and what stands above it (None: it
    stays)."""

    rows: list[dict[str, Any]]
    above: Any = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the dashboard.

    Args:
        path: its address; a part in `<>` is a parameter, such as `/endpoint/<endpoint>/users`.
        title: what it is called in navigation and browser tab.
        section: where it stands in the navigation.
        views: the graphs on it, shown one under the other unless there is a `layout`.
        layout: what is shown instead.
        admin_only: whether guests may not see it.
        live: by the name of a table on it, the query that refreshes it.
    """

    path: str
    title: str
    section: str
    views: Sequence[View] = field(default=())
    layout: Callable[[Context], Any] | None = None
    admin_only: bool = False
    live: Mapping[str, Callable[[Context], Live]] = field(default_factory=dict)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters when an address is this page's; else None."""
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

    def content(self, context: Context) -> Any:
        """What the page shows."""
        if self.layout is not None:
            return self.layout(context)
        return [card(view, context) for view in self.views]
