"""What a page, a route or an export shows: data with its parameters, its table and its texts.

A view is a `View` record in a module of its own, listed in `views.catalogue`. `views.load` is the
one place that reads views: it checks the role, and reads all views of a look in one snapshot.
Nothing here knows Dash, Flask or SQL.
"""
