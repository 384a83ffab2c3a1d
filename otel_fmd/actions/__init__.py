"""Every change that a person can ask for: who may, what is expected, and a line in the log.

Pages, routes and commands call these and nothing else. Each takes the `Actor` who asks first, and
raises `NotAllowedError` before anything is read or changed.
"""
