"""Files, functions, types and statements, without what a deploy, a compiler or a host changes."""

from __future__ import annotations

import re
from functools import lru_cache

from otel_fmd.analysis.exceptions import vocabulary

_LONGEST = 500
"""Characters of a name or of a source line that are compared."""
_SCHEME = re.compile(
    r"^(?:webpack-internal:///(?:\([\w-]+\)/)?|webpack://[^/]*/|file://|(?:https?|app|capacitor|ionic|"
    r"blob:https?)://[^/]*/)"
)
_HASHED = re.compile(
    r"(?<=[\w\]])(?:[.-](?=[A-Za-z_]*[0-9])[A-Za-z0-9_]{6,64}|[.-][0-9a-f]{6,64})(?=\.[a-z.]+$)"
)
_EXTENSION = re.compile(
    r"(?:\.min|\.bundle|\.chunk|\.prod)?\.(?:[cm]?[jt]sx?|vue|svelte|py[cw]?|rb|php|go|rs)$"
)
_TEMPLATE = re.compile(
    r"\.(?:html?|j2|jinja2?|mako|erb|haml|slim|twig|phtml|blade\.php|ejs|hbs|pug|txt)$"
)
_RELEASE = re.compile(r"[\w-]*[0-9]{4,}[\w-]*|(?=[a-f]*[0-9])[0-9a-f]{7,40}|tmp\w+")
_VERSION = re.compile(r"v[0-9]{1,3}")
_BLANK_OR_COMMA = re.compile(r"\s+|,(?=\s*[)\]}])")
_COMMENT = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\s#.*""")
_TYPE_PARTS = re.compile(r"[.\\+$]|::")
_TYPE_ALIASES = {
    "asyncio.exceptions.TimeoutError": "TimeoutError",
    "asyncio.TimeoutError": "TimeoutError",
    "concurrent.futures._base.TimeoutError": "TimeoutError",
    "socket.timeout": "TimeoutError",
    "asyncio.exceptions.CancelledError": "CancelledError",
    "concurrent.futures._base.CancelledError": "CancelledError",
    "exceptiongroup.ExceptionGroup": "ExceptionGroup",
    "exceptiongroup.BaseExceptionGroup": "BaseExceptionGroup",
    "re.error": "re.PatternError",
    "IOError": "OSError",
    "EnvironmentError": "OSError",
}
"""What Python renamed: it is one type, whatever version raises it."""
_PROXY_PART = re.compile(
    r"\$\$(?:EnhancerBy|FastClassBy|SpringCGLIB|Lambda)[\w$/.]*|\$\$[0-9a-f]{6,}|\$[0-9]+(?=\$|$)|_Subclass$"
)
_ARITY = re.compile(r"`[0-9]+|\[[^\[\]]*\]")
_LAMBDA = re.compile(
    r"^(?:lambda\$|\$anonfun\$|lambda-)?(.*?)(?:\$lambda[-$]?[0-9]*|\$[0-9]+|\$\$inlined.*|\$suspendImpl)*$"
)
_DOTNET_LAMBDA = re.compile(r"<(\w*)>(?:[bdg]__)?(?:(\w+?)\|)?[\w.|]*")
_GO_CLOSURE = re.compile(
    r"(?:\.func[0-9]+|\.gowrap[0-9]+|\.deferwrap[0-9]+|\.[0-9]+|-fm|-range[0-9]+|·[0-9]+)+$"
)
_RUBY_BLOCK = re.compile(r"^(?:(?:block|rescue|ensure)(?: \([0-9]+ levels\))? in )+")
_COMPILED_TEMPLATE = re.compile(r"_{2,}[0-9]{6,}_[0-9]+$")
_ENTRIES = frozenset(
    ["invokeSuspend", "invoke", "apply", "applyOrElse", "accept", "run", "call", "get"]
)
_GO_WITHOUT_TYPE = frozenset(
    [
        "",
        "panic",
        "error",
        "string",
        "*errors.errorString",
        "*errors.joinError",
        "*fmt.wrapError",
        "*fmt.wrapErrors",
        "*errors.fundamental",
        "*errors.withStack",
        "*errors.withMessage",
    ]
)
"""What says only that it is an error."""
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$|::\{\{closure\}\}|<.*? as (.*?)>")
_PHP_CLOSURE = re.compile(r"\{closure(?::(.*?)(?:\(\))?:[0-9]+)?\}")
_JS_ALIAS = re.compile(r" \[as .*\]$")


@lru_cache(maxsize=8192)
def file_key(file: str) -> str:
    """A file by the part of its path that every host has.

    That is its name alone; one that every package has (`views.py`) stands with its folder, up to
    a folder that means something.
    """
    path = _SCHEME.sub("", file.replace("\\", "/")).partition("?")[0]
    *folders, name = [one for one in path.split("/") if one not in ("", ".", "..", "~")] or [""]
    if path.startswith("/") or path[1:2] == ":":
        folders = folders[_root(folders) :]
    is_template = _TEMPLATE.search(name) is not None
    stem = name if is_template else _EXTENSION.sub("", _HASHED.sub("", name))
    parts = [stem]
    while folders:
        folder = folders.pop()
        is_needed = is_template if len(parts) == 1 else False
        if not (
            is_needed or parts[-1].lower() in vocabulary.GENERIC_FILES or _VERSION.fullmatch(folder)
        ):
            break
        if folder in vocabulary.ROOTS:
            break
        parts.append(folder)
    return "/".join(reversed(parts))


def _root(folders: list[str]) -> int:
    """How many of the first folders of an absolute path lead to the app: `/srv/shop/current`."""
    count = 0
    projects = 0
    is_home = False
    for folder in folders:
        name = folder.lower()
        if name in vocabulary.CONTAINERS:
            # The next one is a user or a project, not a package.
            projects = 2 if name in ("home", "users") else 1
            is_home = is_home or projects == 2
        elif is_home and projects < 2 and name in vocabulary.WORKPLACES:
            projects = 1
        elif name in vocabulary.ROOTS or name[1:] == ":" or not count:
            projects = 0
        elif projects:
            projects -= 1
        elif not _RELEASE.fullmatch(name):
            break
        count += 1
    return count


def file_shown(file: str) -> str:
    """The end of a path, for display: the file and its folder."""
    path = _SCHEME.sub("", file.replace("\\", "/")).partition("?")[0]
    parts = [one for one in path.split("/") if one not in ("", ".", "..", "~")]
    if parts:
        parts[-1] = _HASHED.sub("", parts[-1])
    if len(parts) > 1 and parts[-2] in vocabulary.ROOTS:
        return parts[-1]
    return "/".join(parts[-2:])


@lru_cache(maxsize=8192)
def function_key(function: str, language: str, module: str = "") -> str:
    """A function by the name that stands in its source; "" of code without a name."""
    name = function.strip()
    if language == "java":
        return _java(name, module)
    if language == "go":
        return _GO_CLOSURE.sub("", name)
    if language == "nodejs":
        return _javascript(name)
    if language == "ruby":
        name = _COMPILED_TEMPLATE.sub("", _RUBY_BLOCK.sub("", name))
        return re.split(r"[#.]", name)[-1] if "::" in name or "#" in name or "." in name else name
    if language == "php":
        name = _PHP_CLOSURE.sub(lambda found: found[1] or "{closure}", name)
        return re.split(r"->|::|\\", name)[-1]
    if language == "dotnet":
        return _dotnet(name, module)
    if language == "rust":
        return _RUST_HASH.sub(lambda found: found[1] or "", name)
    return name.rpartition("<locals>.")[2] if "<locals>" in name else name


def _java(name: str, module: str) -> str:
    if name in _ENTRIES and "$" in module:
        # A class made of a lambda or of a coroutine is named after the function it stands in.
        inner = [one for one in module.split("$")[1:] if one[:1].islower() and one != "anonfun"]
        if inner:
            return inner[0]
    found = _LAMBDA.match(name)
    name = found[1].rpartition("$anonfun$")[2] if found else name
    return name.rpartition("$")[2] if name.startswith("$") else name


def _javascript(name: str) -> str:
    name = _JS_ALIAS.sub("", name.removeprefix("async ").removeprefix("new "))
    last = re.split(r"[./]", name.rstrip("</"))[-1]
    return "" if last.strip("<>") in ("anonymous", "computed") else last.strip("<>")


def _dotnet(name: str, module: str) -> str:
    if name.startswith("<>"):
        # Mono numbers lambdas; the class that holds them is named after their function.
        around = re.search(r"<(\w+)>", module)
        return around[1] if around else ""
    name = name.removesuffix(".MoveNext").removesuffix("MoveNext").rstrip(".") or name
    found = re.search(r"<(\w+)>(?:g__(\w+)\|)?", name)
    if found:
        return found[2] or found[1]
    return _ARITY.sub("", name)


@lru_cache(maxsize=8192)
def module_key(module: str, language: str) -> str:
    """A class or a package, without what a compiler or a framework adds to its name."""
    if language == "java":
        # Lambdas, anonymous classes and coroutines belong to the class that they stand in.
        name = _PROXY_PART.sub("", module)
        outer, *inner = name.split("$")
        return ".".join([outer, *(one for one in inner if one[:1].isupper())])
    if language == "dotnet":
        name = re.sub(r"[.+]<.*$", "", module)
        return _ARITY.sub("", name).replace("+", ".")
    return module


def type_key(type: str, language: str) -> str:
    """A type of exception, whatever version or compiler named it."""
    return _type_key(type[:_LONGEST], language)


@lru_cache(maxsize=4096)
def _type_key(type: str, language: str) -> str:
    if language == "java":
        return type.replace("$", ".")
    if language == "dotnet":
        return _ARITY.sub("", type).replace("+", ".")
    if language == "go":
        if type in _GO_WITHOUT_TYPE:
            return "error"
        return "runtime.Error" if type.lstrip("*").startswith("runtime.") else type
    name = _TYPE_ALIASES.get(type, type)
    return name.removeprefix("__main__.").removeprefix("builtins.").rpartition("<locals>.")[2]


def type_shown(type: str, language: str) -> str:
    """A type short enough to show; one that only says `Error` stands with what it belongs to."""
    if language == "go":
        if type in _GO_WITHOUT_TYPE:
            return "panic" if type in ("", "panic", "string") else "error"
        if type.lstrip("*").startswith("runtime."):
            return "runtime error"
    *outer, last = _TYPE_PARTS.split(type[:_LONGEST].lstrip("*").rstrip(".\\+$:"))
    if last in ("Error", "Exception") and outer:
        separator = next(one for one in ("::", "\\", "+", "$", ".") if one in type)
        return f"{outer[-1]}{separator}{last}"
    return last


def statement_key(code: str) -> tuple[str, bool]:
    """A source line without its formatting, and whether it goes on in the next line."""
    return _statement_key(code.partition("\n")[0][:_LONGEST])


@lru_cache(maxsize=8192)
def _statement_key(line: str) -> tuple[str, bool]:
    if "#" in line:
        line = _COMMENT.sub(lambda found: found[1] or "", line)
    text = _BLANK_OR_COMMA.sub("", line).replace("'", '"')
    goes_on = text.endswith("\\") or any(
        text.count(opens) > text.count(closes) for opens, closes in ("()", "[]", "{}")
    )
    return text, goes_on
