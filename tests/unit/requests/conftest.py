"""What tests of this folder begin with: nothing remembered."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.redaction.names import secrecy_of, words_of
from otel_fmd.requests.templates import template_of


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Results of the code as it is, not of tests before."""
    template_of.cache_clear()
    secrecy_of.cache_clear()
    words_of.cache_clear()
