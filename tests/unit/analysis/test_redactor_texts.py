"""Free text of every kind, and texts that are made to cost much."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.analysis.redaction.patterns import REDACTED
from otel_fmd.analysis.redaction.redactor import Redactor

USUAL = Redactor()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password='hunter2' x", "password='[redacted]' x"),
        ("password=\"a\\\"b\" x", 'password="[redacted]" x'),
        ("f(password=hunter2, user=ana)", "f(password=[redacted], user=ana)"),
        ("password: str = 'hunter2'", "password: str = '[redacted]'"),
        ("password=p@ss,word;x user=ana", "password=[redacted] user=ana"),
        ("token => 'abc'", "token => '[redacted]'"),
        ('{\\"password\\": \\"hunter2\\", \\"a\\": 1}',
         '{\\"password\\": \\"[redacted]\\", \\"a\\": 1}'),
        ("Authorization: Bearer abc.def\nHost: x", "Authorization: [redacted]\nHost: x"),
        ("Authorization: Digest username=\"a\", response=\"b\"", "Authorization: [redacted]"),
        ("Cookie: a=b; c=\"d\"; e=f\r\nHost: x", "Cookie: [redacted]\r\nHost: x"),
        ("sent token Bearer abcdefgh1", "sent token Bearer [redacted]"),
        ("--password hunter2 --user ana", "--password [redacted] --user ana"),
        ("bad password 'hunter2' for ana", "bad password '[redacted]' for ana"),
        ("Unexpected token '<', \"<!DOCTYPE\"", "Unexpected token '<', \"<!DOCTYPE\""),
        ("POST https://hooks.slack.com/services/T0000/B0000/abcdefgh", "POST https://[redacted]"),
        ("--password --user ana", "--password --user ana"),
        ("[('password', 'hunter2'), ('user', 'ana')]",
         "[('password', '[redacted]'), ('user', 'ana')]"),
        ("<a:Password Type=\"x\">hunter2</a:Password>",
         '<a:Password Type="x">[redacted]</a:Password>'),
        ("see https://x/y?token=abc now", "see https://x/y?token=[redacted] now"),
        ("GET /login?next=%2Fx%3Ftoken%3Dabc HTTP/1.1",
         "GET /login?next=/x?token=[redacted] HTTP/1.1"),
        ("paid with 4111 1111 1111 1111.", "paid with [redacted]."),
        ("redis://:hunter2@cache:6379/0", "redis://[redacted]@cache:6379/0"),
        ("password='hunter2", "password='[redacted]'"),
        ("password   =   'hunter2'", "password   =   '[redacted]'"),
        ("password = 'it''s' AND", "password = '[redacted]' AND"),
        ("token: `abc`, a: 1", "token: `[redacted]`, a: 1"),
        ("token[]=abc&token[0]=abd&a[]=1", "token[]=[redacted]&token[0]=[redacted]&a[]=1"),
        ("{'password': ['a', 'b'], 'c': ['d']}", "{'password': ['[redacted]'], 'c': ['d']}"),
        ('{\\"tokens\\": [\\"a1\\", \\"b2\\"]}', "{\\\"tokens\\\": ['[redacted]']}"),
        ("password = ('abc' 'def')", "password = ('[redacted]')"),
        ("password=P@ss(1)!x{y} user=ana", "password=[redacted] user=ana"),
        ("password=dom\\ain", "password=[redacted]"),
        ("log: password=abc\\nuser=ana", "log: password=[redacted]\\nuser=ana"),
        ("[(b'cookie', b'a=b'), (b'host', b'x')]",
         "[(b'cookie', '[redacted]'), (b'host', b'x')]"),
        ("cookie=a; b=c", "cookie=[redacted]"),
        ("f({'Authorization': token}, 5)", "f({'Authorization': [redacted]}, 5)"),
        ("f({'Authorization': make(x)}, 5)", "f({'Authorization': make(x)}, 5)"),
        ("token:\n  at x", "token:\n  at x"),
        ("{:password=>\"a\", 'pwd' => 'b'}",
         "{:password=>\"[redacted]\", 'pwd' => '[redacted]'}"),
        ("code=SEKRET, code: ECONNREFUSED, code=NOT_FOUND, pass=3, pass=abc",
         "code=[redacted], code: ECONNREFUSED, code=NOT_FOUND, pass=3, pass=[redacted]"),
        ("-----BEGIN PRIVATE KEY-----\nabc\nde", "[redacted]"),
        ("token = request.args['token']", "token = request.args['token']"),
        ("token = make_token(user)", "token = make_token(user)"),
        ("x = f'Bearer {token}'", "x = f'Bearer {token}'"),
        ("password=%s, token=$TOKEN, key=None", "password=%s, token=$TOKEN, key=None"),
    ],
)  # fmt: skip
def test_free_text_without_its_secrets(text: str, shown: str) -> None:
    """In every notation of messages, traces and lines of code; a second look changes nothing."""
    assert USUAL.text(text) == shown
    assert USUAL.text(shown) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password = 'hunter2'", "password = '[redacted]'"),
        ("connect(password='hunter2', user=ana)", "connect(password='[redacted]', user=ana)"),
        ("PIN = 1234", "PIN = [redacted]"),
        ("headers['Cookie'] = 'a=b; c=d'", "headers['Cookie'] = '[redacted]'"),
        ("call('Cookie: a=b; c=d')", "call('Cookie: [redacted]')"),
        ("call('Authorization: Bearer abcdefgh1')", "call('Authorization: [redacted]')"),
        ("token = make(user)", None),
        ("token = value", None),
        ("login(password=pw, token=self.token)", None),
        ("self[key] = value", None),
        ("def get(self, key: K, session: Session) -> V:", None),
        ("sorted(found, key=lambda item: item[0])", None),
        ("self.cookies = cookies", None),
        ("if secret == other: raise Bad(secret)", None),
        ("<code>{value}</code>", None),
    ],
)
def test_a_line_of_code_without_its_secrets(line: str, shown: str | None) -> None:
    """Literals are hidden; names of variables, types and calls stay, so that it can be read."""
    assert USUAL.code(line) == (line if shown is None else shown)


@pytest.mark.parametrize(
    "text",
    [
        "    key = item.key",
        "    self[key] = value",
        "    def get(self, key: K, session: Session) -> V:",
        "    self.cookies = cookies",
        "    found = sorted(found, key=lambda item: item[0])",
        "    bad_cookie = True",
    ],
)
def test_code_in_free_text_mostly_survives(text: str) -> None:
    """An exception's trace has lines of code in it, and messages."""
    assert USUAL.text(text) == text


@given(st.text(max_size=80))
def test_any_text_is_taken(text: str) -> None:
    """And what is under a secret name is gone."""
    for redact in (USUAL.text, USUAL.json, USUAL.url, USUAL.query, USUAL.header_lines):
        assert isinstance(redact(text), str)
    assert USUAL.value("password", text) == REDACTED


_HOSTILE = (
    *(
        "a",
        "=",
        "a=",
        "a:",
        "a-",
        "--a ",
        "'",
        '"',
        "\\",
        '\\"',
        "p='",
        "password='",
        "password=f'{",
    ),
    *('password="', "password=,", ",a", "Cookie: ", 'cookie: ="', "<a ", "</", "('a', ", "eyJa"),
    *("sk-abc-", "SG.aaaaaaaaaaaaaaaaaaaa.", "-----BEGIN A-----", "a://", "a://b:c", "@", "4111 "),
    *("Bearer a", "%", "%25", "%3D", "a=b&", "token=a&", ";", "a;b=", "{", '{"a":', "/a=b/", "#"),
    *("http://a?b=http%3A%2F%2F", "self.", "key=key(", "user[", "password=\n", "\u00e9"),
)


_ALL_KINDS = " :// @ = : % -- ('a', </ , ( -----BEGIN x bearer basic eyJ"
"""Something for every expression to look for, after what it must not spend its time on."""


@pytest.mark.parametrize("unit", _HOSTILE)
def test_hostile_texts_take_linear_time(unit: str) -> None:
    """200,000 characters take tens of milliseconds; in quadratic time it would be a minute."""
    text = unit * (200_000 // len(unit)) + _ALL_KINDS
    began = time.process_time()
    for redact in (USUAL.text, USUAL.json, USUAL.url, USUAL.query, USUAL.environ_text):
        redact(text)
    assert time.process_time() - began < 3
