"""Messages without what varies from one occurrence to the next."""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST = 400
"""Characters of a message that are read."""
_QUOTED = (
    r"'[^'\n]{0,200}'|\"[^\"\n]{0,200}\"|`[^`'\n]{0,200}[`']"
    r"|‘[^’\n]{0,200}’|“[^”\n]{0,200}”|«[^»\n]{0,200}»"
)
_NAMES = r"""
    attribute|name|module\ named|import\ name|argument|arguments|argument:|arguments:|variable
    |method|function|property|key\ in\ dict|reading|setting|constraint|column|relation|table
    |failed:|local\ variable|parameter|Cannot\ invoke|Cannot\ read\ field|Cannot\ assign\ field
    |Class|class|type|Undefined\ array\ key|Undefined\ index:|template|field|setting:
"""
"""What stands before a quoted name of the program, not of data."""
_HEX4 = "[0-9a-fA-F]{4}"
_UUID = rf"[0-9a-fA-F]{{8}}-{_HEX4}-{_HEX4}-{_HEX4}-[0-9a-fA-F]{{12}}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|\ ?[+-][0-9]{2}:?[0-9]{2})?"
_PARTS = re.compile(
    rf"""
    (?P<kept>
        (?:{_NAMES})
        \s(?:{_QUOTED})(?=\W|$)
        |'[A-Z]?[A-Za-z_]*'\ object\b | '\w+'\ and\ '\w+' | (?<!\w)'[A-Za-z_]\w*'\(\)
    )
    |(?P<str>(?<![\w])[bru]?(?:{_QUOTED})(?!\w))
    |(?P<url>\b[a-z][a-z0-9+.-]{{1,20}}://[^\s'"<>)\]]+)
    |(?P<email>(?<![\w.+-])[\w.+-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}})+)
    |(?P<uuid>\b{_UUID}\b)
    |(?P<date>\b[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T\ ]{_CLOCK})?\b)
    |(?P<day>\b(?:[0-9]{{1,2}}[./-][0-9]{{1,2}}[./-][0-9]{{4}}|[0-9]{{4}}[/.][0-9]{{2}}[/.][0-9]{{2}})\b)
    |(?P<time>\b[0-9]{{1,2}}:[0-9]{{2}}:[0-9]{{2}}(?:[.,][0-9]+)?\b)
    |(?P<ip>(?<![\w.])(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}(?::[0-9]{{1,5}})?(?![\w.]*\w)
        |(?<![\w:])\[?(?:[0-9a-fA-F]{{0,4}}:){{2,7}}[0-9a-fA-F]{{1,4}}\]?(?::[0-9]{{1,5}})?(?!\w|:\w))
    |(?P<hex>(?<![\w])(?:0x[0-9a-fA-F]+|(?=[0-9a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{{7,}})(?![\w]))
    |(?P<path>(?<![\w/.])(?:[A-Za-z]:\\[^\s'":,)]+|(?:\.{{0,2}}/[\w@.+~%-]+){{2,}}/?|/[\w@.+~-]+\.\w{{1,5}}\b))
    |(?P<host>\b(?:[a-z0-9_-]{{1,63}}\.)+(?:internal|local|svc|cluster|com|net|org|io|dev|lan|cloud|test
        |example|localhost)\b(?:\.[a-z]+)*(?![.]?[A-Za-z])(?::[0-9]{{1,5}})?|\blocalhost(?::[0-9]{{1,5}})?\b)
    |(?P<id>\b(?=[\w-]*[0-9])(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*\b(?!\.[A-Za-z]))
    |(?P<float>(?<![\w.])[-+]?[0-9][0-9,_]*(?:\.[0-9]+)+(?:[eE][-+]?[0-9]+)?(?![0-9]))
    |(?P<int>(?<![\w])-?[0-9](?:[0-9,_]*[0-9])?(?![\w]))
    """,
    re.VERBOSE,
)
_LIST = re.compile(r"(<(?:int|str|float|uuid|hex|id|url|email|host|path)>)(?:\s*[,;]\s*\1)+")
_BLANKS = re.compile(r"\s+")
_ID_WORDS = re.compile(
    r"(?:utf|iso|ipv|sha|md|http|base|u?int|float|latin|cp|oauth|ec)-?[0-9]{1,4}(?:-[0-9]{1,2})?"
    r"|v[0-9]{1,2}|s3|h2|x86|x64",
    re.IGNORECASE,
)
"""Words that have a number in them and do not vary."""
_UNITS = re.compile(
    r"(-?[0-9][0-9_]*(?:\.[0-9]+)?)(ms|us|µs|ns|s|m|h|d|b|kb|mb|gb|kib|mib|gib|px|th|st|nd|rd|x|%)",
    re.IGNORECASE,
)
_SINGLE_HEX = re.compile(r"\b([\w.$]+)@[0-9a-f]{5,16}\b")
_PLURAL = re.compile(r"(<int>\s[a-z]{2,}?)s\b")
_DATABASE = re.compile(
    r"constraint|for key|cannot be null|no such|Unknown column|does not exist|not-null"
)
_CONSTRAINT = re.compile(
    r"""column\s["'`]?([\w.]{1,80})["'`]?[^\n]{0,80}?violates\snot-null
    |constraint\s(?:failed:\s)?["'`\[]?([\w.]{1,80})
    |for\skey\s["'`]([\w.]{1,80})
    |Column\s["'`]?([\w.]{1,80})["'`]?\scannot\sbe\snull
    |no\ssuch\s(?:table|column):\s([\w.]{1,80})
    |Unknown\scolumn\s["'`]([\w.]{1,80})
    |(?:relation|column)\s["'`]?([\w.]{1,80})["'`]?\sdoes\snot\sexist""",
    re.VERBOSE,
)
_BACKQUOTED = re.compile(r"`([^`'\n]{0,200})'")
"""How Ruby before 3.4 and GNU quote."""
_ENGINES = re.compile(
    r"""Cannot\s(?:read|set)\sproperties\sof\s(?:undefined|null)\s\((?:reading|setting)\s'([^']{1,80})'\)
    |Cannot\s(?:read|set)\sproperty\s'([^']{1,80})'\sof\s(?:undefined|null)
    |can't\saccess\sproperty\s"([^"]{1,80})",\s.{1,80}\sis\s(?:undefined|null)
    |(?:undefined|null)\sis\snot\san\sobject\s\(evaluating\s'[^']{0,200}?\.?([\w$]{1,80})'\)
    |(?:[\w$]{1,80}\.){0,9}([\w$]{1,80})\sis\snot\sa\sfunction
    |([\w$]{1,80})\sis\snot\sdefined$
    |Can't\sfind\svariable:\s([\w$]{1,80})""",
    re.VERBOSE,
)
_TOKEN = re.compile(r"""<\w+>|'[^']+'|"[^"]+"|\w[\w'-]*|[^\w\s]""")
_NAME = re.compile(r"[A-Z][\w'-]*")


def template_of(message: str) -> str:
    """The first line of a message with `<int>`, `<str>`, `<uuid>` and the like for what varies.

    Names of the program stay, as in `'Order' object has no attribute 'total'`.
    """
    return _template_of(message[: 4 * _LONGEST].strip().partition("\n")[0][:_LONGEST])


@lru_cache(maxsize=4096)
def _template_of(text: str) -> str:
    text = _BACKQUOTED.sub(r"'\1'", text)
    text = _SINGLE_HEX.sub(r"\1@<hex>", text)
    text = _PARTS.sub(_replaced, text)
    text = _LIST.sub(r"\1, …", text)
    return _BLANKS.sub(" ", text).strip()


def _replaced(found: re.Match[str]) -> str:
    kind = found.lastgroup or "str"
    text = found[0]
    if kind == "kept":
        return text
    if kind == "day":
        kind = "date"
    if kind == "id":
        if _ID_WORDS.fullmatch(text):
            return text
        unit = _UNITS.fullmatch(text)
        if unit:
            return f"<float>{unit[2]}" if "." in unit[1] else f"<int>{unit[2]}"
    # A machine by its name or by its address.
    return f"<{'host' if kind == 'ip' else kind}>"


def start_of(message: str, most: int = 4) -> str:
    """The first words of a message's template that do not vary, and the names in it.

    They tell statements of a function apart where the text has no source lines. Names in the
    middle (`User Alice not found`) count as variable.
    """
    if (
        "undefined" in message
        or "null" in message
        or "not a" in message
        or "not def" in message
        or "find var" in message
    ):
        found = _ENGINES.match(message[:_LONGEST])
        if found:
            # One mistake, in the words of V8, of its older versions, of Firefox or of Safari.
            name = next(one for one in found.groups() if one is not None)
            return f"{'call' if 'not a function' in message else 'use'} {name}"
    words: list[str] = []
    names: list[str] = []
    fixed = 0
    for word in _TOKEN.findall(template_of(message)):
        if word[0] in "'\"" and len(word) > 1:
            names.append(word.strip("'\""))
        elif fixed < most and (word[0].isalnum() or (word[0] in "<_" and len(word) > 1)):
            if words and _NAME.fullmatch(word) and not word.isupper():
                word = "<str>"
            if not words or words[-1] != word:
                words.append(word)
                fixed += word[0] != "<"
    return " ".join(words + names[:2])


def constraint_of(message: str) -> str:
    """The constraint, column or table of a database's error: one statement has many of them."""
    if not _DATABASE.search(message[: 4 * _LONGEST]):
        return ""
    found = _CONSTRAINT.search(message[: 4 * _LONGEST])
    return next((one for one in found.groups() if one), "") if found else ""


def whole_of(message: str) -> str:
    """A message's template to compare by: numbers have no plural."""
    return _PLURAL.sub(r"\1", template_of(message))
