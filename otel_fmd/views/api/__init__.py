"""What our own REST API answers: records whose fields carry their units, made from the views.

Each module has the records of some routes, and the functions that make them from the data of
views. Times are aware datetimes in UTC. Their JSON, and its schema, are made from the types in
`otel_fmd.web.api`.
"""
