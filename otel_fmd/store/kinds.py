"""Names of our own in the tables.

The kinds of rows in `CallerHistogram`, of which two hold those above the limit together; and what
names above a limit are stored as.
"""

USER, ADDRESS, OTHER_USERS, OTHER_ADDRESSES = range(4)

OTHER_ENDPOINTS = "(other endpoints)"
OTHER_PATHS = "(other paths)"
OTHER_SERVICES = "(other services)"
OTHER_VERSIONS = "(other versions)"
LIMITS = {
    OTHER_ENDPOINTS: "OTEL_FMD_MAX_ENDPOINTS",
    OTHER_PATHS: "OTEL_FMD_MAX_PATHS",
    OTHER_SERVICES: "OTEL_FMD_MAX_SERVICES",
    OTHER_VERSIONS: "OTEL_FMD_MAX_VERSIONS",
}
"""What names above a limit are stored as, and the variable of the limit."""
