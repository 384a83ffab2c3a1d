"""Secrets in free text: messages, stack traces, lines of code, whatever is no URL and no JSON."""

from __future__ import annotations

import re
from collections.abc import Callable

from otel_fmd.analysis.redaction import vocabulary
from otel_fmd.analysis.redaction.names import Secrecy, is_hidden
from otel_fmd.analysis.redaction.patterns import REDACTED

SecrecyOf = Callable[[str], Secrecy]

_QUOTED = r"""[bBfFrRuU]{0,2}(?:"(?:[^"\\\n]|\\.|"")*+"?|'(?:[^'\\\n]|\\.|'')*+'?)|`[^`\n]*+`?"""
_ESCAPED = r"""\\{1,8}["'](?:(?!\\{1,8}["'])[^\n])*+\\{1,8}["']"""
_ASSIGNS = re.compile(
    r"""
    (?<![\w$.-])([\w$.-]++)(?=[\[\]\\"'`\t 0-9]{0,40}+[=:])
    # That is the name; then what closes it, its type, and what assigns.
    ((?:\[[0-9]{0,4}\])?\]?\\{0,8}["'`]?\]?[ \t]{0,20}
     (?::\s?(?:str|bytes|String|string|SecretStr|Optional\[str\]|str\s\|\sNone)\s?(?==))?
     (?:=>|:=|={1,3}|:)[ \t]{0,20})
    """,
    re.VERBOSE,
)
_VALUE = re.compile(
    rf"""
    (?P<escape>\\{{1,8}}["'])(?P<escaped>(?:(?!(?P=escape))[^\n])*+)(?:(?P=escape))?
    |(?P<quoted>{_QUOTED})
    |(?P<list>[\[({{]\s?(?:(?:{_QUOTED}|{_ESCAPED})\s?,?\s?)++)
    |(?P<bare>(?:\[redacted\]
        |\\{{1,2}}(?=[^nrt"'\\\s])
        |[^\s"'`,;&|<>(){{}}\[\]\\]
        |[,;](?=[^\s,;"'])(?![\w$.-]*+\s?[=:])
     )++)
    """,
    re.VERBOSE,
)
_REST_OF_LINE = re.compile(r"""(?:=\\{0,8}"[^"\r\n\\]*+(?:\\{0,8}")?|[^\r\n"'\\]|\\++(?!["']))*+""")
_TAIL = re.compile(r"""(?:[(\[{<|][^\s"'`,;&]*+)*+""")
"""The rest of a password that has brackets in it."""
_OPTION = re.compile(r"--(?<![\w-]--)([A-Za-z][\w-]*+)(\s)(?![\s-])")
_PAIR = re.compile(
    r"""\([bBrRuU]?\\{0,8}["']([\w.\[\]-]++)(\\{0,8}["'],\s?)(?=[bBrRuU]?\\{0,8}["'])"""
)
_PASSWORD = re.compile(r"([Pp]ass(?:word|wd|phrase))([ \t])(?=[\"'])")
_ELEMENT = re.compile(r"<((?:[\w-]++:)?[\w.-]++)([^<>]*+>)([^<>]++)(?=</)")
_QUOTE = re.compile("[\"'`]")
_EXPRESSION = re.compile(r"([A-Za-z_]\w*+)(?:\.[A-Za-z_]\w*+)++")
_PLACEHOLDER = re.compile(
    r"\$\{\w*\}|%s|%\(\w*\)[sdr]|\$[A-Z_]+|\{\w*\}|\?+|\*+|\.{3}|\[?redacted\]?|\[?Filtered\]?"
)
_HIDDEN_ALREADY = re.compile(r"(?:%(?:25)*+20)*+\[redacted\]")
_LONGEST_TEMPLATE = 500
_WHOLE_LINE = ("authorization", "cookie")
"""Ends of names whose value, without quotes, is the rest of its line: `Cookie: a=b; c=d`."""


def without_assigned_secrets(text: str, secrecy_of: SecrecyOf) -> str:
    """A text without values that are assigned to secret names, in any notation.

    `password=x`, `password: "x"`, `{'password': 'x'}`, `--password x`, `('password', 'x')`,
    `<password>x</password>`, `Cookie: a=b; c=d`, `password 'x' was rejected`.
    """
    if "=" in text or ":" in text:
        text = _without_values(text, _ASSIGNS, secrecy_of)
    if "--" in text:
        text = _without_values(text, _OPTION, secrecy_of)
    if "," in text and "(" in text:
        text = _without_values(text, _PAIR, secrecy_of)
    if "ass" in text:
        text = _without_values(text, _PASSWORD, secrecy_of)
    if "</" in text:
        text = _ELEMENT.sub(lambda found: _element(found, secrecy_of), text)
    return text


def _without_values(text: str, named: re.Pattern[str], secrecy_of: SecrecyOf) -> str:
    """A text without the values that follow secret names; `named` finds names."""
    parts: list[str] = []
    done = 0
    # Values are read after secret names only: what is no secret may hold one, `next=/?token=x`.
    for found in named.finditer(text):
        start = found.end()
        if found.start() < done:
            continue
        secrecy = secrecy_of(found[1])
        if secrecy is Secrecy.PLAIN:
            continue
        value = _VALUE.match(text, start)
        if value is None:
            continue
        shown, end = _shown(value, found[1], found[2], secrecy)
        if shown:
            parts += (text[done:start], shown)
            done = end
    return "".join((*parts, text[done:])) if parts else text


def _shown(value: re.Match[str], name: str, assigns: str, secrecy: Secrecy) -> tuple[str, int]:
    """What is shown instead of an assigned value, '' when that may stay, and where it ends."""
    escape, quoted, bare = value["escape"], value["quoted"], value["bare"]
    text, end = value.string, value.end()
    if escape is not None:
        hidden = value["escaped"] and is_hidden(secrecy, value["escaped"])
        return (f"{escape}{REDACTED}{escape}" if hidden else ""), end
    if quoted is not None:
        inside = _inside(quoted)
        if not inside or _is_template(quoted, inside) or not is_hidden(secrecy, inside):
            return "", end
        quote = quoted.lstrip("bBfFrRuU")[0]
        return f"{quote}{REDACTED}{quote}", end
    if value["list"] is not None:
        return f"{value['list'][0]}'{REDACTED}'", end
    if not is_hidden(secrecy, bare) or _HIDDEN_ALREADY.match(bare):
        return "", end
    following = text[end : end + 1]
    is_line = name.lower().endswith(_WHOLE_LINE) and not _QUOTE.search(assigns)
    if is_line or (bare.lower() in vocabulary.SCHEMES and following == " "):
        rest = _REST_OF_LINE.match(text, value.start())
        return REDACTED, max(end, rest.end() if rest else 0)
    if _is_no_value(name, bare, assigns, following):
        return "", end
    tail = _TAIL.match(text, end)
    return REDACTED, tail.end() if tail else end


def _is_no_value(name: str, bare: str, assigns: str, following: str) -> bool:
    """Whether what follows a name is a word of a sentence or code, not the name's value."""
    lower = bare.lower().rstrip(".")
    if REDACTED in bare or lower in vocabulary.CONSTANTS or _PLACEHOLDER.fullmatch(bare):
        return True
    if ":" in assigns and (lower in vocabulary.PROSE or not lower):
        return True
    expression = _EXPRESSION.fullmatch(bare)
    if following in ("(", "[") and (expression or bare.isidentifier()):
        return True
    if expression and expression[1] in vocabulary.EXPRESSION_OF:
        return True
    return bare == name and "=" in assigns


def _inside(quoted: str) -> str:
    body = quoted.lstrip("bBfFrRuU")
    return body[1:].removesuffix(body[0])


def _is_template(quoted: str, value: str) -> bool:
    """Whether it is a text of code with a place for the value: `f"Bearer {token}"`, `"%s"`."""
    if len(value) > _LONGEST_TEMPLATE:
        return False
    if _PLACEHOLDER.fullmatch(value) or value.lower() in vocabulary.CONSTANTS:
        return True
    return quoted[0] in "fF" and "{" in value


def _element(found: re.Match[str], secrecy_of: SecrecyOf) -> str:
    name, tag, value = found.groups()
    return f"<{name}{tag}{REDACTED}" if is_hidden(secrecy_of(name), value.strip()) else found[0]
