"""`python -m otel_fmd`, the same as `otel-fmd`."""

import sys

from otel_fmd.cli import main

sys.exit(main())
