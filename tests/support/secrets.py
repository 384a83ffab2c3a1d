"""A corpus of secrets.

Tokens are made from their prefix and a seed, so that no scanner of repositories takes them for
real ones.
"""

from __future__ import annotations

import json
import random
from base64 import b64encode, urlsafe_b64encode
from typing import NamedTuple

_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"
PLAIN_NAME = "note"


class Secret(NamedTuple):
    """A secret: the name that it is under, its text, and the part that must not be stored."""

    name: str
    text: str
    core: str

    @property
    def is_named(self) -> bool:
        """Whether its name alone tells that it is one."""
        return self.name != PLAIN_NAME


_NAMES = """
password passwd pwd db_password DATABASE_PASSWORD newPassword password2 old_passwd userPass
smtp_pass passphrase pass_phrase secret client_secret clientSecret SECRET_KEY app.secret
webhook-secret aws_secret_access_key access_key accessKey X-Access-Key api_key apikey apiKey
X-Api-Key x-functions-key Ocp-Apim-Subscription-Key private_key privateKey signing_key
encryption_key master-key ssh_key license_key key token access_token accessToken refresh_token
id_token X-Auth-Token X-Amz-Security-Token X-Vault-Token csrf_token csrftoken csrfmiddlewaretoken
X-CSRF-Token X-XSRF-TOKEN _xsrf authenticity_token bearer_token device_token oauth_token
session_token X-Forwarded-Access-Token X-Gitlab-Token auth X-Auth proxy_auth auth_key Php-Auth-Pw
PHP_AUTH_DIGEST pw authorization Authorization Proxy-Authorization HTTP_AUTHORIZATION cookie
Set-Cookie HTTP_COOKIE session session.id session_id sessionid SessionId JSESSIONID PHPSESSID
connect.sid sid sig signature X-Amz-Signature X-Hub-Signature-256 Stripe-Signature
X-Amz-Credential credentials aws_credentials jwt X-Goog-Iap-Jwt-Assertion CF-Access-Jwt-Assertion
SAML saml_assertion otp totp otp_code one_time_code pin pin_code code auth_code authorization_code
verification_code reset_code recovery_code sms_code mfa_code activation_code card card_number
cardNumber credit_card creditCard cc_number cvv cvc cvv2 ssn social_security_number
X-Forwarded-Client-Cert X-Ssl-Client-Cert client_certificate secret_id connection_string
user[password] form.password user.token JENKINS_API_TOKEN SLACK_BOT_TOKEN dbPasswd admin-password
root_passwd api-secret hmac_secret shared_secret X-Shopify-Access-Token X-Twilio-Signature
"""
NAMES = tuple(_NAMES.split())
"""Names of secrets, as apps, frameworks, proxies and clouds write them."""


def _made(chance: random.Random, length: int, characters: str = _LETTERS + _DIGITS) -> str:
    found = "".join(chance.choices(characters, k=length - 2))
    return f"{found}{chance.choice(_LETTERS)}{chance.choice(_DIGITS)}"


def _jwt(chance: random.Random) -> str:
    def part(value: object) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = part({"alg": "HS256", "typ": "JWT"})
    return f"{head}.{part({'sub': _made(chance, 12)})}.{_made(chance, 43)}"


def card_number(chance: random.Random, prefix: str, length: int) -> str:
    """A number that no bank has given to anyone, with the right check digit."""
    digits = prefix + "".join(chance.choices("0123456789", k=length - len(prefix) - 1))
    for check in "0123456789":
        number = digits + check
        doubled = [int(one) * (1 + place % 2) for place, one in enumerate(reversed(number))]
        if sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0:
            return number
    raise AssertionError("one of ten digits fits")


_PREFIXED = (
    *(("AKIA", 16, "upper"), ("ASIA", 16, "upper"), ("ghp_", 36, ""), ("gho_", 36, "")),
    *(("ghs_", 36, ""), ("ghu_", 36, ""), ("ghr_", 36, ""), ("github_pat_", 82, "")),
    *(("glpat-", 20, ""), ("xoxb-", 40, ""), ("xoxp-", 40, ""), ("xapp-1-", 40, "")),
    *(("sk_live_", 24, ""), ("rk_live_", 24, ""), ("sk_test_", 24, ""), ("whsec_", 32, "")),
    *(("AIza", 35, ""), ("ya29.", 60, ""), ("GOCSPX-", 28, ""), ("sk-", 48, "")),
    *(("sk-proj-", 60, ""), ("sk-ant-api03-", 90, ""), ("npm_", 36, ""), ("pypi-AgE", 60, "")),
    *(("hvs.", 30, ""), ("dop_v1_", 64, "hex"), ("shpat_", 32, "hex"), ("SK", 32, "hex")),
    *(("hf_", 34, ""), ("dapi", 32, "hex"), ("sq0atp-", 22, ""), ("ATATT3", 60, "")),
)
_CHARACTERS = {
    "": _LETTERS + _DIGITS,
    "upper": "ABCDEFGHJKLMNPQRSTUVWXYZ" + _DIGITS,
    "hex": "abcdef" + _DIGITS,
}
_SENTENCES = (
    "login failed for ana: password='{}'",
    'could not connect: password="{}" host=db',
    "user=ana password={} host=db port=5432",
    "Server=db;Uid=ana;Pwd={};",
    "retrying with token: {} after 3 s",
    "request had Authorization: Bearer {}",
    "curl --token {} https://shop.example.org",
    "config {{'api_key': '{}', 'retries': 3}}",
    "body <password>{}</password>",
    "args ImmutableMultiDict([('password', '{}')])",
    "psql postgresql://ana:{}@db:5432/shop",
    "redis://:{}@cache:6379/0 timed out",
    "GET https://shop.example.org/x?a=1&access_token={} failed",
    "redirected to /login?next=%2Faccount%3Ftoken%3D{}",
)


def secrets() -> list[Secret]:
    """The corpus: by name, by prefix, by form, and in sentences."""
    chance = random.Random(6)
    found = [Secret(name, text, text) for name in NAMES for text in [_made(chance, 14)]]
    for prefix, length, kind in _PREFIXED:
        body = _made(chance, length, _CHARACTERS[kind])
        if kind:
            body = "".join(chance.choices(_CHARACTERS[kind], k=length))
        found.append(Secret(PLAIN_NAME, prefix + body, body))
    for _ in range(6):
        token = _jwt(chance)
        found.append(Secret(PLAIN_NAME, token, token.split(".")[1]))
    for prefix, length in (("4", 16), ("51", 16), ("2221", 16), ("34", 15), ("6011", 16)):
        number = card_number(chance, prefix, length)
        found.append(Secret(PLAIN_NAME, number, number))
    number = card_number(chance, "4", 16)
    spaced = " ".join(number[place : place + 4] for place in range(0, 16, 4))
    found.append(Secret(PLAIN_NAME, spaced, spaced))
    found.append(Secret(PLAIN_NAME, spaced.replace(" ", "-"), spaced.replace(" ", "-")))
    for kind in ("RSA PRIVATE KEY", "PRIVATE KEY", "CERTIFICATE", "OPENSSH PRIVATE KEY"):
        body = _made(chance, 48)
        text = f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"
        found.append(Secret(PLAIN_NAME, text, body))
    pair = b64encode(f"ana:{_made(chance, 12)}".encode()).decode()
    found.append(Secret(PLAIN_NAME, f"Basic {pair}", pair.rstrip("=")))
    bearer = _made(chance, 30)
    found.append(Secret(PLAIN_NAME, f"Bearer {bearer}", bearer))
    for sentence in _SENTENCES:
        core = _made(chance, 16)
        found.append(Secret(PLAIN_NAME, sentence.format(core), core))
    return found
