"""The words by which names of secrets are known. These are data: `names.py` has the rules."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ANYWHERE = _words(
    """
    apikey apikeys authorization credential credentials csrf jwt passcode passphrase passwd
    password pwd secret secrets token tokens xsrf
    """
)
"""Words that make a name secret wherever they stand in it, unless `ABOUT` ends the name."""

AT_THE_END = _words(
    """
    assertion auth bearer card cookie cookies cvc cvv key otp pass passwords pin pw
    saml sessid session sessionid sid sig signature ssn totp
    """
)
"""Words that make a name secret if they are its last, as the noun of `api_key` is."""

WITHIN = (
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "sessionid",
    "sessid",
    "clientsecret",
    "cardnumber",
    "creditcard",
    "userpass",
    "passwort",
    "kennwort",
    "wachtwoord",
    "contrasena",
    "motdepasse",
    "senha",
)
"""Parts of words that were written together, such as `sessionid` in `aspsessionidqab`."""
WORD_ENDS = ("token", "secret", "credentials")
"""Ends of such words: `csrfmiddlewaretoken`."""

PHRASES = frozenset(
    tuple(phrase.split())
    for phrase in (
        "one time",
        "pass phrase",
        "pass word",
        "session id",
        "session key",
        "session previous",
        "secret id",
        "api keys",
        "access keys",
        "private keys",
        "secret keys",
        "card number",
        "card no",
        "card num",
        "cc number",
        "cc num",
        "credit card",
        "auth digest",
        "client cert",
        "client certificate",
        "client key",
        "client principal",
        "social security",
        "connection string",
    )
)
"""Words that make a name secret when they follow each other."""

CODE_OF = _words(
    """
    access activation auth authentication authorization backup confirmation device email
    invite login magic mfa oauth one otp pass pin recovery reset security sms totp unlock user
    verification verify
    """
)
"""What stands before `code` when it is a secret; `status_code` and `country_code` are none.

`code` alone is one, too: that is how OAuth passes it.
"""

ORDINARY_BEFORE = {
    "key": _words(
        """
        arrow cache composite dedup event feature flag foreign group hash idempotency
        index issue join lookup map message object order partition primary public range
        record redis root routing row s shard socket sort sorting starttime surrogate translation
        unique
        """
    ),
    "card": _words("business graphics memory network report score sim sound video"),
    "pass": _words("boarding first second"),
    "session": _words("db database"),
    "signature": _words("function method type"),
    "sig": _words("function method type"),
}
"""Words before one of `AT_THE_END` with which it means something else; `s` is that of S3."""

ABOUT = _words(
    """
    age alg algorithm at attempts banner budget changed consent cost count counts created date
    domain email enabled endpoint error errors exp expired expires expiry field file format
    header httponly id index invalid issuer kind label len length limit line lines location
    max method min missing mode name names page param parameter path policy present provider
    rate required retries role roles rule rules samesite scheme scope scopes secure size state
    status strength time title total ttl type uri url usage used user username valid version
    """
)
"""Last words of names that say something about a secret, not the secret: `token_count`."""

IN_FRONT = _words("http https request response header headers x")
"""Words in front of a header's name, in a WSGI environment and in attributes."""

COUNTED = frozenset(["tokens"])
"""Words of `ANYWHERE` under which numbers are counts, as language models report them."""
AMBIGUOUS = _words("auth card key pass session sid sig")
"""Names under which a short number is no secret, if they are one word: `pass=3`."""

SCHEMES = ("bearer", "basic", "digest", "apikey", "negotiate", "hawk", "aws4-hmac-sha256")
"""Words before the credentials in an Authorization header."""

EXPRESSION_OF = _words(
    """
    account app args cfg cls conf config context credentials ctx current_app data env environ
    event flask form g instance kwargs obj options opts os params payload req request self
    session settings user
    """
)
"""First names of expressions in lines of code: `password=form.password.data` shows no secret."""

CONSTANTS = _words(
    "none null nil true false undefined lambda str bytes int string path uuid slug any float"
)
"""Values in free text that are no secrets: constants, keywords, types, converters of routes."""
VARIABLES = _words("card code key session")
"""Names of secrets that are more often those of variables: `key = item`, `session: Session`."""
PROSE = _words(
    """
    a an and are cannot empty expected expired failed for has have in invalid is malformed
    missing must no not of or rejected required the too unexpected unknown was with wrong
    """
)
"""Words after a colon in sentences such as `invalid token: expected three parts`."""
