"""What tests of this folder begin with: nothing remembered."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.redaction.names import _secrecy_of
from otel_fmd.requests.templates import template_of


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Results of the code as it is, not of tests before."""
    template_of.cache_clear()
    _secrecy_of.cache_clear()
