"""Secrets in free text: messages, stack traces, lines of code, whatever is no URL and no JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

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
    |(?P<list>[\[({{]\s?(?:{_QUOTED}|{_ESCAPED})(?:\s?,?\s?(?:{_QUOTED}|{_ESCAPED}))*+)
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


def without_assigned_secrets(text: str, secrecy_of: SecrecyOf, *, is_code: bool = False) -> str:
    """A text without values that are assigned to secret names, in any notation.

    `password=x`, `password: "x"`, `{'password': 'x'}`, `--password x`, `('password', 'x')`,
    `<password>x</password>`, `Cookie: a=b; c=d`, `password 'x' was rejected`.

    Args:
        text: the text.
        secrecy_of: what the values under a name are.
        is_code: whether it is source code, in which what has no quotes is a variable.
    """
    if "=" in text or ":" in text:
        text = _without_values(text, _ASSIGNS, secrecy_of, is_code)
    if "--" in text:
        text = _without_values(text, _OPTION, secrecy_of, is_code)
    if "," in text and "(" in text:
        text = _without_values(text, _PAIR, secrecy_of, is_code)
    if "ass" in text:
        text = _without_values(text, _PASSWORD, secrecy_of, is_code)
    if "</" in text:
        text = _ELEMENT.sub(lambda found: _element(found, secrecy_of), text)
    return text


class _Name(NamedTuple):
    """A name, what stands between it and its value, and what its values are."""

    text: str
    assigns: str
    secrecy: Secrecy
    is_code: bool


def _without_values(text: str, named: re.Pattern[str], secrecy_of: SecrecyOf, is_code: bool) -> str:
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
        shown, end = _shown(value, _Name(found[1], found[2], secrecy, is_code))
        if shown:
            parts += (text[done:start], shown)
            done = end
    return "".join((*parts, text[done:])) if parts else text


def _shown(value: re.Match[str], name: _Name) -> tuple[str, int]:
    """What is shown instead of an assigned value, '' when that may stay, and where it ends."""
    escape, quoted = value["escape"], value["quoted"]
    end = value.end()
    if escape is not None:
        hidden = value["escaped"] and is_hidden(name.secrecy, value["escaped"])
        return (f"{escape}{REDACTED}{escape}" if hidden else ""), end
    if quoted is not None:
        inside = _inside(quoted)
        if not inside or _is_template(quoted, inside) or not is_hidden(name.secrecy, inside):
            return "", end
        quote = quoted.lstrip("bBfFrRuU")[0]
        return f"{quote}{REDACTED}{quote}", end
    if value["list"] is not None:
        return f"{value['list'][0]}'{REDACTED}'", end
    return _shown_bare(value, name)


def _shown_bare(value: re.Match[str], name: _Name) -> tuple[str, int]:
    """The same for a value without quotes."""
    bare, text, end = value["bare"], value.string, value.end()
    following = text[end : end + 1]
    if not is_hidden(name.secrecy, bare) or _HIDDEN_ALREADY.match(bare):
        return "", end
    is_scheme = bare.lower() in vocabulary.SCHEMES and following == " "
    if not is_scheme and _is_no_value(name, bare, following):
        return "", end
    is_line = name.text.lower().endswith(_WHOLE_LINE) and not _QUOTE.search(name.assigns)
    if is_line or is_scheme:
        rest = _REST_OF_LINE.match(text, value.start())
        return REDACTED, max(end, rest.end() if rest else 0)
    if REDACTED in bare:
        return "", end
    tail = _TAIL.match(text, end)
    return REDACTED, tail.end() if tail else end


def _is_no_value(name: _Name, bare: str, following: str) -> bool:
    """Whether what follows a name is a word of a sentence or code, not the name's value."""
    lower = bare.lower().rstrip(".")
    word = bare.rstrip(":")
    expression = _EXPRESSION.fullmatch(word)
    is_variable = expression is not None or word.isidentifier()
    # Code has texts in it, too: what has a digit may be a part of one.
    has_digit = any(map(str.isdigit, word))
    if is_variable and (following in ("(", "[") or (name.is_code and not has_digit)):
        return True
    if lower in vocabulary.CONSTANTS or _PLACEHOLDER.fullmatch(bare):
        return True
    if expression and expression[1] in vocabulary.EXPRESSION_OF:
        return True
    if ":" in name.assigns:
        is_other = lower in vocabulary.PROSE or not lower
    else:
        is_other = bare == name.text.rpartition(".")[2]
    # `key = item`, `code: CodeType`: with a blank, without a digit, and no constant, it is code.
    is_vague = name.text.rpartition(".")[2].lower() in vocabulary.VARIABLES
    is_constant = has_digit or (len(word) > 3 and word.isupper())
    has_blank = name.assigns[-1:].isspace()
    return is_other or (is_vague and has_blank and is_variable and not is_constant)


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
    value = value.strip()
    if secrecy_of(name) is not Secrecy.SECRET or not value or _PLACEHOLDER.fullmatch(value):
        return found[0]
    return f"<{name}{tag}{REDACTED}"
