"""FMD's REST API: every route of FMD 5.1 at its path, with its JSON.

Each module has the routes of one group; `route` makes blueprints of them, `api` all of them.
"""
