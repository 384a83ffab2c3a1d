"""Actors and roles: who views or changes something, and which role that requires."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from otel_fmd.errors import NotAllowedError


class Role(IntEnum):
    """What an actor may do; each role may do everything that lower ones may."""

    NOBODY = 0
    GUEST = 1
    WRITER = 2
    """A program whose token has the scope `write`: monitors, but manages nobody."""
    ADMIN = 3

    @property
    def words(self) -> str:
        """For a sentence: `an admin`, `a user`."""
        return _WORDS[self]


_WORDS = {
    Role.NOBODY: "anyone",
    Role.GUEST: "a user",
    Role.WRITER: "an admin",
    Role.ADMIN: "an admin",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a role.

    Args:
        name: by which the audit knows them.
        role: what they may do.
        address: where they act from; '' for this machine.
        session: the hash of their session; '' without one.
        has_password: whether they log in with one; users of a provider do not.
    """

    name: str
    role: Role
    address: str = ""
    session: str = ""
    has_password: bool = True

    @property
    def is_admin(self) -> bool:
        """Whether everything is allowed."""
        return self.role >= Role.ADMIN


NOBODY = Actor("(nobody)", Role.NOBODY)
OPERATOR = Actor("(command line)", Role.ADMIN)
"""Anyone who can run commands with the database's URL."""


def require(actor: Actor, role: Role, what: str) -> None:
    """Check that an actor may do something.

    Args:
        actor: who is acting.
        role: the lowest role that may.
        what: for the message, for example `change a monitor level`.

    Raises:
        NotAllowedError: the role is too low.
    """
    if actor.role < role:
        raise NotAllowedError(f"Only {role.words} can {what}.", f"Only {role.words} can {what}.")
