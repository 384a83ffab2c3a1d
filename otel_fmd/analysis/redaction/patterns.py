"""Secrets that are known by what they look like, whatever their name.

Every expression takes linear time: what it repeats is possessive or bounded, and it begins where a
word does. One that begins with a literal or a set, and then looks behind, is found several times as
fast as one that begins with looking behind.
"""

from __future__ import annotations

import re
from base64 import b64decode

REDACTED = "[redacted]"
_TOKENS = {
    "JSON Web Token": (r"eyJ[\w-]{8,}+\.[\w-]*+(?:\.[\w-]*+){0,3}",),
    "AWS key id": (r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{12,}+",),
    "GitHub": (r"gh[pousr]_[A-Za-z0-9]{16,}+", r"github_pat_\w{16,}+"),
    "GitLab": (r"gl(?:pat|ptt|rt|dt|oas)-[\w-]{16,}+",),
    "Slack": (
        r"xox[a-z]-[\w-]{8,}+",
        r"xapp-[\w-]{16,}+",
        r"hooks\.slack\.com/services/[\w/]{16,}+",
    ),
    "Discord": (r"discord(?:app)?\.com/api/webhooks/[\w/-]{16,}+",),
    "Stripe": (r"sk_(?:live|test)_\w{8,}+", r"rk_(?:live|test)_\w{8,}+", r"whsec_\w{16,}+"),
    "Google": (r"AIza[\w-]{30,}+", r"ya29\.[\w-]{16,}+", r"GOCSPX-[\w-]{16,}+"),
    "OpenAI, Anthropic": (
        r"sk-[A-Za-z0-9]{32,}+",
        r"sk-[a-z]{3,8}-(?=[A-Za-z_-]{0,60}[0-9])[\w-]{20,}+",
    ),
    "npm": (r"npm_[A-Za-z0-9]{30,}+",),
    "PyPI": (r"pypi-AgE[\w-]{16,}+",),
    "SendGrid": (r"SG\.[\w-]{16,}+\.[\w-]{16,}+",),
    "Vault": (r"hv[bsr]\.[\w-]{20,}+",),
    "DigitalOcean": (r"do[opr]_v1_[0-9a-f]{32,}+",),
    "Shopify": (r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{24,}+",),
    "Twilio": (r"SK[0-9a-f]{32}",),
    "Hugging Face": (r"hf_[A-Za-z0-9]{30,}+",),
    "Databricks": (r"dapi[0-9a-f]{32}",),
    "Square": (r"sq0[a-z]{3}-[\w-]{20,}+",),
    "Atlassian": (r"ATATT3[\w-]{20,}+",),
    "age": (r"AGE-SECRET-KEY-1[0-9A-Z]{20,}+",),
}
"""Tokens with a beginning of their own, by who issues them. Each begins with a letter, so that the
expression of all can look for letters first."""
_TOKEN = re.compile(
    "|".join(
        f"{token[0]}(?<![A-Za-z0-9].){token[1:]}" for tokens in _TOKENS.values() for token in tokens
    )
    + r"|:(?<=[0-9]{8}:)AA[\w-]{30,}+"  # Telegram
)

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{1,40}+-----(?:(?!-----END).)*+(?:-----END [A-Z0-9 ]{1,40}+-----)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*+://)([^\s\"'<>]++)")
_END_OF_AUTHORITY = re.compile("[/?#]")
_SCHEME = re.compile(
    r"(?<![A-Za-z0-9])(bearer|basic)(\s{1,3})([A-Za-z0-9+/_.~-]{8,}+=*+)", re.IGNORECASE
)
_CARD = re.compile(
    r"[2-6](?<![A-Za-z0-9.].)[0-9]{3}(?:[0-9]{9,15}+|([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}"
    r"|([ -])[0-9]{6}\2[0-9]{4,5})(?![A-Za-z0-9]|\.[0-9])"
)
_SIXTEEN = range(16, 17)
_CARDS = (
    (4, 4, (13, 16)),
    (34, 34, (15,)),
    (36, 39, (14, 16)),
    (37, 37, (15,)),
    (51, 55, _SIXTEEN),
    (62, 62, range(16, 20)),
    (65, 65, _SIXTEEN),
    (300, 305, (14,)),
    (644, 649, _SIXTEEN),
    (2221, 2720, _SIXTEEN),
    (3528, 3589, _SIXTEEN),
    (6011, 6011, _SIXTEEN),
)
"""First and last prefix, and lengths, of card numbers: Visa, American Express, Diners Club,
Mastercard, UnionPay, Discover, JCB. Source: ISO/IEC 7812, and the issuers' published ranges."""
_SHORTEST = 8
"""No secret that is known by its looks is shorter."""


def without_known_secrets(text: str) -> str:
    """A text in which `REDACTED` stands for tokens, keys, passwords in URLs and card numbers."""
    if len(text) < _SHORTEST:
        return text
    if "-----BEGIN " in text:
        text = _PEM.sub(REDACTED, text)
    text = _TOKEN.sub(REDACTED, text)
    if "@" in text and "://" in text:
        text = _AUTHORITY.sub(_without_user, text)
    if " " in text and ("asic" in text or "earer" in text or "ASIC" in text or "EARER" in text):
        text = _SCHEME.sub(_without_credentials, text)
    return _CARD.sub(_without_card, text)


def is_card_number(digits: str) -> bool:
    """Whether digits are the number of a payment card: its prefix, its length, its check digit."""
    return _has_card_prefix(digits) and _passes_luhn(digits)


def _has_card_prefix(digits: str) -> bool:
    return any(
        low <= int(digits[: len(str(low))]) <= high and len(digits) in lengths
        for low, high, lengths in _CARDS
    )


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _without_card(found: re.Match[str]) -> str:
    digits = found[0].replace(" ", "").replace("-", "")
    return REDACTED if is_card_number(digits) else found[0]


def _without_user(found: re.Match[str]) -> str:
    scheme, whole = found.groups()
    authority = _END_OF_AUTHORITY.split(whole, 1)[0]
    if "@" not in authority:
        _, colon, port = authority.partition(":")
        if not colon or not port or port.isdigit() or authority.startswith("["):
            return found[0]
        # A password with a slash in it that is not escaped: no port looks like that.
        authority = whole
    # The last `@` ends the user part: a password may have one that is not escaped, either.
    user, at, _ = authority.rpartition("@")
    return f"{scheme}{REDACTED}@{whole[len(user) + 1 :]}" if at and user else found[0]


def _without_credentials(found: re.Match[str]) -> str:
    scheme, blanks, given = found.groups()
    if scheme.lower() == "basic":
        is_one = _is_user_and_password(given)
    else:
        is_one = len(given) >= 20 or any(character.isdigit() for character in given)
    return f"{scheme}{blanks}{REDACTED}" if is_one else found[0]


def _is_user_and_password(encoded: str) -> bool:
    """Whether it is `user:password` in base64, as in HTTP Basic authentication."""
    try:
        decoded = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        return False
    return b":" in decoded
