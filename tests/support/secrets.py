"""A corpus of secrets, and of values that look like some and are none.

Tokens are made from their prefix and a seed, so that no scanner of repositories takes them for
real ones.
"""

from __future__ import annotations

import json
import random
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
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


def _card(chance: random.Random, prefix: str, length: int) -> str:
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
        number = _card(chance, prefix, length)
        found.append(Secret(PLAIN_NAME, number, number))
    number = _card(chance, "4", 16)
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


def harmless() -> Iterator[tuple[str, str]]:
    """Names and values that must stay as they are."""
    chance = random.Random(7)
    yield from _HARMLESS
    hexadecimal = "0123456789abcdef"
    for length in (7, 8, 12, 16, 32, 40, 64):
        for name in ("trace_id", "git.sha", "etag", "note"):
            yield name, "".join(chance.choices(hexadecimal, k=length))
    for _ in range(8):
        one = "".join(chance.choices(hexadecimal, k=32))
        uuid = f"{one[:8]}-{one[8:12]}-4{one[13:16]}-a{one[17:20]}-{one[20:]}"
        yield "request.id", uuid
        yield "http.target", f"/static/app.{one[:20]}.js"
        yield "traceparent", f"00-{one}-{one[:16]}-01"
    for microseconds in range(1_764_000_000_000_000, 1_764_000_000_000_012):
        yield "time_us", str(microseconds)
    for nanoseconds in range(1_764_000_000_000_000_000, 1_764_000_000_000_000_006):
        yield "time_ns", str(nanoseconds)
    for prefix in ("4", "51", "34"):
        number = _card(chance, prefix, 15 if prefix == "34" else 16)
        yield "order", f"{number[:-1]}{(int(number[-1]) + 5) % 10}"  # fails the check digit


_HARMLESS = (
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
     "Gecko) Chrome/131.0.0.0 Safari/537.36"),
    ("User-Agent", "python-requests/2.32.3"),
    ("User-Agent", "kube-probe/1.31"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "nl-NL,nl;q=0.9,en-US;q=0.8,en;q=0.7"),
    ("Cache-Control", "max-age=0, no-cache"),
    ("Content-Type", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
    ("Content-Length", "1234"),
    ("Host", "shop.example.org:8443"),
    ("Origin", "https://shop.example.org"),
    ("Referer", "https://shop.example.org/items?page=2&sort=price"),
    ("Referer", "https://shop.example.org/search?q=red+shoes#results"),
    ("If-None-Match", 'W/"5f3a-18c2d3e4f50"'),
    ("If-Modified-Since", "Sun, 29 Nov 2026 14:19:01 GMT"),
    ("Range", "bytes=0-1023"),
    ("Sec-Ch-Ua", '"Chromium";v="131", "Not_A Brand";v="24"'),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Idempotency-Key", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
    ("Via", "1.1 varnish, 1.1 vegur"),
    ("X-Forwarded-For", "203.0.113.7, 10.0.0.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Request-Id", "req-7f3b2c"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Forwarded", 'for=192.0.2.43;proto=https;by="[2001:db8::1]:443"'),
    ("Link", '<https://api.example.org/items?page=3>; rel="next"'),
    ("WWW-Authenticate", 'Basic realm="shop"'),
    ("http.status_code", "200"),
    ("http.response.status_code", "404"),
    ("http.route", "/reset/<string:token>"),
    ("http.route", "/reset/{token:path}"),
    ("http.route", "/api/keys/<int:number>"),
    ("http.flavor", "1.1"),
    ("status_code", "UNAUTHENTICATED"),
    ("error.code", "E4042017"),
    ("code", "404"),
    ("code", "NOT_FOUND"),
    ("code", "ECONNREFUSED"),
    ("code", "nl"),
    ("country_code", "NL"),
    ("currency.code", "EUR"),
    ("zip_code", "1012AB"),
    ("postal_code", "1012 AB"),
    ("postcode", "SW1A 1AA"),
    ("code.function", "checkout"),
    ("code.filepath", "/srv/shop/checkout.py"),
    ("code_line", "total = price * count"),
    ("exit_code", "137"),
    ("qr_code", "https://shop.example.org/i/7"),
    ("promo_code", "SUMMER2026"),
    ("primary_key", "order_id"),
    ("foreign_key", "customer_id"),
    ("partition.key", "eu-west"),
    ("partition_key", "2026-11"),
    ("sort_key", "price"),
    ("sort.key", "created_at"),
    ("cache_key", "items:7:nl"),
    ("messaging.kafka.message.key", "order-7"),
    ("messaging.rabbitmq.destination.routing_key", "orders.created"),
    ("aws.s3.key", "exports/2026/items.csv"),
    ("feature_flag.key", "new-checkout"),
    ("key", "12"),
    ("keyboard", "qwerty"),
    ("keywords", "shoes,red,leather"),
    ("monkey", "rhesus macaque"),
    ("hockey_team", "Bruins"),
    ("author", "Ursula K. Le Guin"),
    ("authority", "shop.example.org"),
    ("authenticated", "yes"),
    ("auth_type", "oidc"),
    ("auth.method", "webauthn"),
    ("auth_provider", "okta"),
    ("token_count", "1234"),
    ("token_type", "bearer"),
    ("token_limit", "8192"),
    ("gen_ai.usage.input_tokens", "15342"),
    ("max_tokens", "4096"),
    ("tokenizer", "cl100k_base"),
    ("tokenization", "byte-pair encoding"),
    ("session_count", "12"),
    ("session_length", "PT30M"),
    ("session.type", "guest checkout"),
    ("sessions", "12 today"),
    ("password_policy", "at least twelve characters"),
    ("password_changed_at", "2026-11-29T14:19:01Z"),
    ("password_strength", "strong"),
    ("secret_name", "db-main"),
    ("secretary", "Miss Moneypenny"),
    ("cookie_banner", "accepted"),
    ("cookie_consent", "analytics,marketing"),
    ("pinned", "item-7"),
    ("spinning", "wheel of fortune"),
    ("shipping", "express delivery"),
    ("pincode_required", "no"),
    ("cardinality", "high: 10,000 values"),
    ("cardinal", "north by northwest"),
    ("discard", "older than a week"),
    ("discarded", "3 items"),
    ("card_type", "visa debit"),
    ("business_card", "https://shop.example.org/ana.vcf"),
    ("postcard", "greetings from Texel"),
    ("passenger", "Phileas Fogg"),
    ("passport_country", "NLD"),
    ("compass", "south by southeast"),
    ("signal", "SIGTERM received"),
    ("design", "Bauhaus, 1925"),
    ("assigned_to", "ana@example.org"),
    ("side", "left-hand side"),
    ("sidebar", "collapsed state"),
    ("reside", "Amsterdam, Noord"),
    ("option", "extra-large"),
    ("captions", "on, in English"),
    ("ssnake", "python regius"),
    ("codec", "video/webm; codecs=vp9"),
    ("decode_ms", "12.5"),
    ("encoding", "utf-8-sig"),
    ("email", "ana@example.org"),
    ("enduser.id", "ana"),
    ("isbn", "978-3-16-148410-0"),
    ("isbn13", "9783161484100"),
    ("iban_country", "NL"),
    ("phone", "+31 20 123 4567"),
    ("phone", "(555) 010-9999"),
    ("ean", "4006381333931"),
    ("order_number", "2026112900001234"),
    ("tracking", "1Z999AA10123456784"),
    ("snowflake", "1328765432109876543"),
    ("amount", "1234567.89"),
    ("coordinates", "52.3676,4.9041"),
    ("time", "2026-11-29T14:19:01.123456+00:00"),
    ("duration", "PT1H30M"),
    ("color", "#4111aa"),
    ("ip", "2001:db8::8a2e:370:7334"),
    ("mac", "00:1b:44:11:3a:b7"),
    ("version", "3.12.4-alpine3.20"),
    ("image", "ghcr.io/shop/web@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b"),
    ("data_uri", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlE"),
    ("integrity", "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"),
    ("path", "/srv/app/.venv/lib/python3.12/site-packages/flask/app.py"),
    ("path", "C:\\Users\\ana\\shop\\views.py"),
    ("url", "https://shop.example.org/items/7;color=red/reviews?page=2"),
    ("url", "https://shop.example.org/u/ana@example.org"),
    ("url", "ftp://mirror.example.org:2121/pub/"),
    ("next", "/account?tab=orders&page=2"),
    ("next", "%2Faccount%3Ftab%3Dorders"),
    ("query", "q=r%C3%A9sum%C3%A9&lang=fr"),
    ("filter", '{"status": ["open", "paid"], "limit": 20}'),
    ("body", '[{"id": 7, "name": "shoe"}, {"id": 8, "name": "sock"}]'),
    ("graphql", "query Item($id: ID!) { item(id: $id) { name price } }"),
    ("sql", "SELECT id, name FROM items WHERE price < %s ORDER BY name LIMIT 20"),
    ("sql", "UPDATE items SET stock = stock - 1 WHERE id = 7"),
    ("sql", "SELECT u.password_hash FROM users u WHERE u.id = ?"),
    ("sql", "INSERT INTO sessions (id, user_id) VALUES (%s, %s)"),
    ("message", "KeyError: 'password'"),
    ("message", "password authentication failed for user ana"),
    ("message", "the token has expired"),
    ("message", "invalid token: expected three parts"),
    ("message", "Basic authentication is required"),
    ("message", "Bearer authentication failed"),
    ("message", "retry 3/5 in 1.5 s: connection refused"),
    ("message", "duplicate key value violates unique constraint orders_pkey"),
    ("message", "process exited with code: 137"),
    ("message", "Error: connect ECONNREFUSED 10.0.0.5:5432, code: 'ECONNREFUSED'"),
    ("message", "100% of 4,096 items done; 0 failed"),
    ("stack", 'File "/srv/shop/views.py", line 12, in checkout\n    return pay(order, card)\n'),
    ("stack", "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x = y[0]\n"),
    ("stack", 'File: "shop.py", line 7, in "item": "token = request.args.get(name)"'),
    ("stack", "at com.shop.Auth.check(Auth.java:42)\n\tat com.shop.Main.main(Main.java:7)"),
    ("stack", "    session = Session(engine)\n    key = make_key(user)\n"),
    ("code_line", "login(password=password, token=None)"),
    ("code_line", "headers = {'Authorization': f'Bearer {token}'}"),
    ("code_line", "def check(password: str, token: str) -> bool:"),
    ("code_line", "if password is None: raise ValueError"),
    ("code_line", "user.password = form.password.data"),
    ("code_line", "cursor.execute(statement, (name, price))"),
    ("endpoint", "GET /items/<int:number>"),
    ("endpoint", "POST /users/{user_id}/keys/{key_id}"),
    ("endpoint", "shop.views.reset_password"),
    ("endpoint", "celery.tasks.send_token"),
    ("cpu", "[12.5, 50.0, 3.1, 0.0]"),
    ("memory", "svmem(total=8589934592, available=4294967296, percent=50.0, used=3221225472)"),
    ("wsgi", "(1, 0)"),
    ("enabled", "true"),
    ("empty", ""),
    ("dash", "-"),
)  # fmt: skip
