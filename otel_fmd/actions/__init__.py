"""Every change that a user can make: the role it needs, its validation, and an audit log entry.

Pages, routes and commands call these and nothing else. Each takes the `Actor` as its first argument
and raises `NotAllowedError` before anything is read or changed.
"""
