"""Every test starts without remembered results."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.redaction.names import _secrecy_of
from otel_fmd.analysis.redaction.paths import _segments_of


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Results of the code as it is, not of tests before."""
    for remembered in (_secrecy_of, _segments_of):
        remembered.cache_clear()
