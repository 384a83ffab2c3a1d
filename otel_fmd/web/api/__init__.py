"""Our REST API, `/api/v1`: routes made from views and actions, and their OpenAPI document.

A route is a `Route` record; `groups` lists them all. Bodies and answers are dataclasses, of which
pydantic makes JSON and JSON Schema.
"""

PATH = "/api/v1"
"""Where it is, below the dashboard's path."""
