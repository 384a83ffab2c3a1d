"""The signals that the receiver serves, one module each; `SIGNALS` lists them."""

from otel_fmd.otlp.signals.logs import LOGS
from otel_fmd.otlp.signals.metrics import METRICS
from otel_fmd.otlp.signals.traces import TRACES

SIGNALS = (
    TRACES,
    METRICS,
    LOGS,
)
