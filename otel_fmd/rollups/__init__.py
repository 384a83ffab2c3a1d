"""What is counted per period: deltas folded into rollups, and recounting."""

import otel_fmd.store  # noqa: F401 - before SQLAlchemy: it says which one is needed
