"""What two occurrences of one exception have in common as texts, found without parsing them."""

from __future__ import annotations

from hashlib import blake2b

from otel_fmd.analysis.exceptions.grouping import message_template


def skeleton(stack: str, message: str) -> bytes:
    """A digest of a stack trace, without what its messages say, and of the message's template.

    Frames are the indented lines in every format that we know; of other lines only what stands
    before a colon counts, which is a type. Texts with the same digest parse to the same frames.
    """
    digest = blake2b(message_template(message).encode("utf-8", "replace"), digest_size=16)
    kept = [line if line[:1] in " \t" else line.partition(":")[0] for line in stack.splitlines()]
    digest.update("\n".join(kept).encode("utf-8", "replace"))
    return digest.digest()
