"""What a form says after a change: that it is done, or why it is not."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc


def done(words: Any) -> dmc.Alert:
    """The change was made."""
    return dmc.Alert(words, color="green", mt="md")


def refused(error: Exception) -> dmc.Alert:
    """The change was not made."""
    return dmc.Alert(str(error), color="red", mt="md")
