"""What FMD's REST API answers: plain values for JSON, with FMD's keys and its strings.

Each loader takes a `Snapshot`, the `Look` and the values of its route. Names and numbers that it
cannot use raise `RequestError`.
"""
