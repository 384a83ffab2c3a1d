"""What a page, a route or an export shows: data with its parameters, its table and its words.

A view is a `View` record in a module of its own, and stands in `views.catalogue`. `views.load` is
the one place that reads views: it asks for the role, and reads all views of a look in one snapshot.
Nothing here knows Dash, Flask or SQL.
"""
