"""A stack trace: the exception that was reported, what caused it, and their frames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """A call in a stack.

    Attributes:
        file: as it stood in the text; "" unknown.
        function: as the text names it; of Java and .NET the method only, its class is in `module`.
        line: its number, from 1; None unknown.
        code: the source line as the text shows it, stripped; several are joined by newlines.
        module: the class (Java, .NET, PHP), the package (Go) or the module (Python: of libraries).
        in_app: whether it is the app's own code: no library, no runtime, no decorator.
    """

    file: str
    function: str
    line: int | None
    code: str = ""
    module: str = ""
    in_app: bool = True


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of a trace.

    Attributes:
        type: as qualified as the text has it.
        message: without its type.
        frames: the outermost call first, whatever order the language prints.
        relation: "" the reported one; "cause" (`raise from`, `Caused by`), "context" (during
            handling), "member" (of a group), "suppressed".
        parent: index in `StackTrace.raised` of the exception that it belongs to; -1 none.
        notes: texts added to it (Python's `add_note`).
    """

    type: str
    message: str
    frames: tuple[Frame, ...]
    relation: str = ""
    parent: int = -1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StackTrace:
    """A parsed text.

    Attributes:
        raised: never empty; the first is the reported one, which the program saw.
        language: `python`, `java`, `nodejs`, `go`, `ruby`, `php`, `dotnet`, `rust`; "" unknown.
        text: the whole text, when not all of it could be parsed, with a last line that says
            what was cut; else "".
    """

    raised: tuple[Raised, ...]
    language: str
    text: str
