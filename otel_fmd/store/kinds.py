"""The kinds of rows in `WhoHistogram`; the two `OTHER_*` hold what is over the cap, together."""

USER, ADDRESS, OTHER_USERS, OTHER_ADDRESSES = range(4)
