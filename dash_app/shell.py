"""The shell around every page: brand, selectors, navigation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dash_app.context import Context
from dash_app.page import ADMINISTRATION, APPLICATION, ENDPOINT, Page
from otel_fmd.queries.snapshot import Endpoint
from otel_fmd.views.choices import Choices
from otel_fmd.views.look import CUSTOM, RANGES

_THEME = {
    "primaryColor": "blue",
    "primaryShade": {"light": 8, "dark": 8},
    "fontFamily": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "defaultRadius": "md",
}


def shell(brand: str, dark: bool, prefix: str) -> dmc.MantineProvider:
    """The page frame; `controls`, `navigation` and `content` are filled by the router."""
    header = dmc.Group(
        [
            dmc.Group(
                [
                    dmc.Burger(
                        id="burger",
                        size="sm",
                        hiddenFrom="sm",
                        opened=False,
                        **{"aria-label": "Navigation"},
                    ),
                    dcc.Link(brand, href=prefix, className="brand"),
                ],
                gap="sm",
                wrap="nowrap",
            ),
            html.Div(id="controls", className="controls"),
        ],
        justify="space-between",
        h="100%",
        px="md",
        wrap="nowrap",
    )
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Interval(id="live", interval=5000, disabled=True),
            dcc.Store(id="repaint"),
            dcc.Download(id="download"),
            html.A("Skip to content", href="#content", className="skip"),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(header),
                    dmc.AppShellNavbar(
                        dmc.ScrollArea(html.Nav(id="navigation", **{"aria-label": "Pages"})),
                        p="sm",
                    ),
                    dmc.AppShellMain(
                        [
                            html.Div(id="problem", role="alert"),
                            dcc.Loading(
                                html.Main(id="content", tabIndex=-1),
                                custom_spinner=skeleton(),
                                overlay_style={"visibility": "visible", "opacity": 0.5},
                                delay_show=300,
                            ),
                        ]
                    ),
                ],
                id="shell",
                header={"height": 64},
                navbar={"width": 250, "breakpoint": "sm", "collapsed": {"mobile": True}},
                padding="md",
            ),
        ],
        id="provider",
        theme=_THEME,
        forceColorScheme="dark" if dark else "light",
    )


def fill(
    frame: dmc.MantineProvider,
    path: str,
    search: str,
    content: Any,
    navigation_: Any,
    controls_: Any,
) -> None:
    """Put a page and its address into the frame, so that the browser does not request it again."""
    frame["url"].pathname, frame["url"].search = path, search
    frame["content"].children = content
    frame["navigation"].children = navigation_
    frame["controls"].children = controls_


def skeleton() -> dmc.Stack:
    """The placeholder shown while a page loads."""
    return dmc.Stack([dmc.Skeleton(h=60), dmc.Skeleton(h=320), dmc.Skeleton(h=180)], w="100%")


def controls(context: Context, choices: Choices) -> list[Any]:
    """The selectors, set to the values in the address."""
    services, versions = choices.services, choices.versions
    days = context.custom_days
    ranges = [{"value": key, "label": label} for key, (label, _) in RANGES.items()]
    return [
        dmc.Select(
            id="service",
            data=[{"value": "", "label": "All services"}]
            + [{"value": name, "label": name} for name in services],
            value=context.service or "",
            allowDeselect=False,
            searchable=len(services) > 8,
            size="xs",
            w=150,
            **{"aria-label": "Service"},
        ),
        dmc.Select(
            id="version",
            data=[{"value": "", "label": "All versions"}]
            + [{"value": name, "label": name} for name in versions],
            value=context.version or "",
            allowDeselect=False,
            searchable=len(versions) > 8,
            size="xs",
            w=130,
            **{"aria-label": "Version"},
        ),
        dmc.Select(
            id="range",
            data=[*ranges, {"value": CUSTOM, "label": "Custom days"}],
            value=context.range,
            allowDeselect=False,
            size="xs",
            w=140,
            **{"aria-label": "Time range"},
        ),
        dmc.DatePickerInput(
            id="days",
            type="range",
            value=[days.first.isoformat(), days.last.isoformat()] if days else [None, None],
            placeholder="First and last day",
            size="xs",
            w=210,
            style={"display": "block" if days else "none"},
            **{"aria-label": "First and last day"},
        ),
        dmc.Switch(id="live-switch", label="Live", size="sm"),
        dmc.Button(
            "Light" if context.dark else "Dark",
            id="scheme",
            variant="default",
            size="compact-sm",
            **{"aria-label": "Switch between dark and light"},
        ),
        html.Form(
            html.Button("Log out", type="submit", className="logout"),
            action=f"{context.prefix}logout",
            method="post",
        ),
    ]


def navigation(
    context: Context, pages: Sequence[Page], current: Page | None, endpoint: Endpoint | None
) -> list[Any]:
    """Links to the pages of the application, of the current endpoint, and the administration."""
    parts: list[Any] = []
    sections = [(APPLICATION, "Application"), (ADMINISTRATION, "Administration")]
    if endpoint is not None:
        sections.insert(1, (ENDPOINT, endpoint.name))
    for section, label in sections:
        links = [
            dmc.NavLink(
                label=page.title,
                href=context.href(page.address(dict(context.parameters))),
                active=page is current,
                **({"aria-current": "page"} if page is current else {}),
            )
            for page in pages
            if page.section == section and context.actor.role >= page.role
        ]
        parts.append(
            html.Div(
                label,
                className="nav-section" + (" nav-endpoint" if section == ENDPOINT else ""),
                title=label,
            )
        )
        parts.extend(links)
    return parts
