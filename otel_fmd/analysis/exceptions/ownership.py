"""Which frames are the app's own code: no library, no runtime, no decorator, no proxy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from otel_fmd.analysis.exceptions import vocabulary
from otel_fmd.analysis.exceptions.trace import Frame

_LIBRARY_PATHS = re.compile(
    r"""
    [\\/](?:site-packages|dist-packages|__pypackages__|node_modules|bower_components)[\\/]
    |(?:^|[\\/])lib(?:64|32)?[\\/](?:python|pypy)[0-9.]*[\\/]
    |[\\/]python[0-9.-]*[\\/]lib[\\/]
    |python[0-9]+\.zip[\\/] | \.egg[\\/] | \.pex[\\/] | [\\/]\.deps[\\/]
    |[\\/](?:bin|Scripts)[\\/][\w-]+(?:\.exe)?(?:[\\/]__main__\.py)?$
    |\.(?:pyx|pxd|pxi)$
    |^<[^>]*>?
    |^(?:node|internal|bun|deno|ext):|^(?:native|unknown)$|\[native\ code\]
    |^(?:chrome|moz|safari-web|safari|webkit|ms-browser)-extension:|^resource://
    |^(?:(?:_stream_|_http_|internal/)[\w/]+|events|net|timers|domain|fs|util|tty|assert|module)\.js$
    |[\\/]\.yarn[\\/]|[\\/]\.pnpm[\\/]|[\\/]\.next[\\/]server[\\/]chunks[\\/]ssr[\\/]\[root
    |[\\/]vendor[\\/]|^vendor[\\/]
    |[\\/]pkg[\\/]mod[\\/]|@v[0-9]+\.[0-9.]+
    |[\\/]gems[\\/]|[\\/]lib[\\/]ruby[\\/]|[\\/]rubygems[\\/]|[\\/]\.rbenv[\\/]|[\\/]bundler[\\/]
    |[\\/]\.cargo[\\/]registry[\\/]|[\\/]\.cargo[\\/]git[\\/]|^/?rustc[\\/]|[\\/]rustlib[\\/]
    |^phar://|[\\/]usr[\\/]share[\\/]php[\\/]
    |^webpack/(?:runtime|bootstrap)|\(webpack\)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PROXIES = re.compile(
    r"\$\$(?:EnhancerBy|FastClassBy|SpringCGLIB|Lambda|KeyFactoryBy)|CGLIB\$|\$Proxy[0-9]*\b|\$Proxy$"
    r"|ByteBuddy|_WeldClientProxy|_\$\$_(?:jvst|javassist)|HibernateProxy|_ClientProxy|_Subclass$"
    r"|DispatchProxy|generatedProxy|Castle\.Proxies|GeneratedMethodAccessor|GeneratedConstructor"
)
"""Classes that frameworks make at run time around the app's own."""
_CALLS_WRAPPED = re.compile(
    r"\b(?:f|fn|fun|func|function|view|view_func|viewfunc|method|wrapped|handler|callback|original|"
    r"original_function|coro|coro_func|target|task|_func|user_function|view_function|endpoint)\("
)
_FORWARDS = re.compile(r"(?<![\w.])(?!super\b)[\w.()]+\((?:[^()]*,\s*)?\*\w+,\s*\*\*\w+,?\s*\)")
_CALLS_NEXT = re.compile(
    r"(?:return\s+|[\w.]+\s*=\s*)?(?:await\s+)?(?:self\.get_response|get_response|call_next|self\.app|"
    r"self\._app|self\.wsgi_app|self\.inner|self\.application)\((?:[^()]*(?:\([^()]*\))?[^()]*\))?"
)
_YIELDS = re.compile(r"(?:\w+\s*=\s*)?yield(?:\s+[\w]+)?")


@dataclass(frozen=True, slots=True)
class Owners:
    """The user's own lists: prefixes of modules (`shop.legacy`) or of paths (`/opt/ours`).

    The longest prefix that fits a frame decides; of equals, `in_app`. A relative path or a module
    fits where a component of the frame's path begins.
    """

    in_app: tuple[str, ...] = ()
    not_in_app: tuple[str, ...] = ()

    def verdict(self, file: str, module: str) -> bool | None:
        """What the lists say of a frame; None nothing."""
        if not self.in_app and not self.not_in_app:
            return None
        own = _longest(self.in_app, file, module)
        other = _longest(self.not_in_app, file, module)
        return None if own == other == 0 else own >= other


def _longest(prefixes: Iterable[str], file: str, module: str) -> int:
    path = file.replace("\\", "/")
    return max((len(one) for one in prefixes if one and _fits(one, path, module)), default=0)


def _fits(prefix: str, path: str, module: str) -> bool:
    stem = prefix.rstrip("./\\")
    if module == stem or module.startswith((f"{stem}.", f"{stem}/", f"{stem}\\")):
        return True
    folder = prefix.replace("\\", "/").rstrip("/")
    if folder.startswith("/") or folder[1:2] == ":":
        return path == folder or path.startswith(f"{folder}/")
    if "/" not in folder:
        folder = folder.rstrip(".").replace(".", "/")
    inside = f"/{path}"
    return f"/{folder}/" in inside or inside.endswith((f"/{folder}", f"/{folder}.py"))


@lru_cache(maxsize=8192)
def is_own(file: str, module: str, language: str, owners: Owners) -> bool:
    """Whether a file or module is the app's own."""
    verdict = owners.verdict(file, module)
    if verdict is not None:
        return verdict
    if module and _PROXIES.search(module):
        return False
    if file and language != "java" and _LIBRARY_PATHS.search(file):
        return False
    if not module:
        return bool(file)
    prefixes = vocabulary.LIBRARIES.get(language, ())
    separators = {"php": "\\", "rust": "::"}
    separator = separators.get(language, ".")
    return not any(module == one or module.startswith(one + separator) for one in prefixes)


def is_wrapper(frame: Frame) -> bool:
    """Whether a frame is a decorator or a middleware that calls what it wraps."""
    code = frame.code
    if not code:
        return frame.function.rpartition(".")[2] in vocabulary.WRAPPERS
    if frame.function in vocabulary.WRAPPERS and _CALLS_WRAPPED.search(code):
        return True
    if "**" in code and "super" not in code and _FORWARDS.search(code):
        return True
    return _CALLS_NEXT.fullmatch(code) is not None or _YIELDS.fullmatch(code) is not None
