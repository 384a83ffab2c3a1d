"""An exception while its text is read, and the `Raised` that come of it; bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

from otel_fmd.analysis.exceptions.trace import Frame, Raised

MOST_FRAMES = 200
"""Frames that are kept of one exception: the outermost quarter, the innermost rest."""
MOST_RAISED = 50
"""Exceptions that are kept of one trace."""


@dataclass(slots=True)
class Draft:
    """An exception as far as it was read.

    Attributes:
        frames: the outermost call first.
        related: the exceptions that belong to it, each with its relation.
        is_whole: whether everything in the text was understood.
    """

    type: str = ""
    message: str = ""
    frames: list[Frame] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    related: list[tuple[str, Draft]] = field(default_factory=list)
    is_whole: bool = True


def raised_of(top: Draft) -> tuple[tuple[Raised, ...], list[str]]:
    """The exceptions of a draft, the reported one first, and what was cut, in words."""
    made: list[Raised] = []
    cut: list[str] = []
    waiting = [("", -1, top)]
    left_out = 0
    while waiting:
        relation, parent, draft = waiting.pop()
        if len(made) >= MOST_RAISED:
            left_out += 1
            waiting.extend((name, -1, one) for name, one in draft.related)
            continue
        frames = draft.frames
        if len(frames) > MOST_FRAMES:
            cut.append(f"{len(frames) - MOST_FRAMES} of {len(frames)} frames are left out")
            first = MOST_FRAMES // 4
            frames = frames[:first] + frames[first - MOST_FRAMES :]
        made.append(
            Raised(draft.type, draft.message, tuple(frames), relation, parent, tuple(draft.notes))
        )
        index = len(made) - 1
        waiting.extend((name, index, one) for name, one in reversed(draft.related))
    if left_out:
        cut.append(f"{left_out} exceptions are left out")
    return tuple(made), cut
