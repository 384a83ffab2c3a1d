"""What two occurrences of one exception have in common as texts, found without parsing them."""

from __future__ import annotations

from hashlib import blake2b

from otel_fmd.analysis.exceptions.message import constraint_of, template_of


def skeleton(stack: str, message: str) -> bytes:
    """A digest of a stack trace and its message, without what varies in messages.

    Frames are the indented lines in every format that we know; the other lines are messages, of
    which the template counts. Texts with the same digest belong to the same group.
    """
    first = message.partition("\n")[0]
    parts = [template_of(message), constraint_of(message)]
    for line in stack.splitlines():
        if line[:1] in (" ", "\t", ""):
            parts.append(line)
        elif first and line.endswith(first):
            parts.append(line[: -len(first)])
        else:
            parts += (template_of(line), constraint_of(line))
    text = "\n".join(parts).encode("utf-8", "replace")
    return blake2b(text, digest_size=16).digest()
