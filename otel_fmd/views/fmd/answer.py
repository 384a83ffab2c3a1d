"""A value for JSON, and whether it is exact."""

from __future__ import annotations

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """A value for JSON; `is_exact` is False where figures come from histograms (within 1.1 %)."""

    value: Any
    is_exact: bool = True
