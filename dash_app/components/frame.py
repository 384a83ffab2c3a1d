"""The frame around every part of a page."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc


def framed(children: Any) -> dmc.Paper:
    """A card with a border."""
    return dmc.Paper(children, withBorder=True, p="md", radius="md", className="card")
