"""What is read of a trace of each language."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.exceptions.parse import parse
from otel_fmd.analysis.exceptions.trace import Frame, StackTrace

JAVA = """java.lang.IllegalStateException: cannot pay
 order 17
\tat com.acme.Pay.charge(Pay.java:12)
\tat com.acme.Pay$$EnhancerBySpringCGLIB$$1a2b3c4d.charge(<generated>)
\tat java.base/java.lang.Thread.run(Thread.java:829)
\tSuppressed: java.io.IOException: closed
\t\tat com.acme.Connection.close(Connection.java:3)
\t\t... 2 more
Caused by: java.lang.NullPointerException
\tat com.acme.Card.number(Card.java:7)
\t... 2 more
"""
NODE = """Error: order 17 failed
    at async wrapped (file:///app/src/cart.js:33:25)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  code: 'E_FAILED',
  [cause]: RangeError: amount is negative
      at new Cart (/app/src/cart.js:22:31)
      at Array.map (<anonymous>)
      at /app/node_modules/express/lib/router/layer.js:95:5
}
"""
GO = """panic: runtime error: index out of range [5] with length 3 [recovered]
\tpanic: again

goroutine 7 [running]:
main.(*Cart).Item(...)
\t/app/cart.go:14
main.main.func1({0x1, 0x2})
\t/app/main.go:9 +0x1d
net/http.HandlerFunc.ServeHTTP(0x0?, {0x1?, 0x2?}, 0x3?)
\t/usr/local/go/src/net/http/server.go:2136 +0x29
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3086 +0x5cb

goroutine 8 [select]:
main.other()
\t/app/other.go:1 +0x1
exit status 2
"""
RUBY = """/app/cart.rb:9:in `/': divided by 0 (ZeroDivisionError)
\tfrom /app/cart.rb:9:in `average'
\tfrom /usr/local/bundle/gems/puma-6.0.0/lib/puma/server.rb:1:in `block in run'
/app/cart.rb:3:in `fetch': key not found: :x (KeyError)
\tfrom /app/cart.rb:3:in `price'
"""
PHP = """Acme\\DeclinedException: too much in /app/src/Cart.php:20
Stack trace:
#0 /app/src/Cart.php(23): Acme\\Cart->pay(101)
#1 {main}

Next LogicException: cannot charge in /app/src/Cart.php:23
Stack trace:
#0 /app/index.php(13): Acme\\Cart->charge()
#1 /app/vendor/slim/App.php(7): {closure}()
#2 {main}
"""
DOTNET = """Acme.PayException: cannot pay
 ---> System.NullReferenceException: Object reference not set
   at Acme.Card.<>c.<Number>b__3_0(Digit d) in /src/Card.cs:line 7
   --- End of inner exception stack trace ---
   at Acme.Pay.<ChargeAsync>d__12.MoveNext() in /src/Pay.cs:line 12
--- End of stack trace from previous location ---
   at System.Threading.Tasks.Task.Execute()
"""
RUST = """thread 'main' panicked at src/cart.rs:14:9:
index out of bounds
stack backtrace:
   0: rust_begin_unwind
             at /rustc/82e1608/library/std/src/panicking.rs:645:5
   1: shop::cart::Cart::item::h1f2e3d4c5b6a7988
             at ./src/cart.rs:14:9
   2: core::ops::function::FnOnce::call_once
             at /rustc/82e1608/library/core/src/ops/function.rs:250:5
note: Some details are omitted
"""


def told(trace: StackTrace) -> list[tuple[str, str, int]]:
    """The exceptions: type, relation, parent."""
    return [(one.type, one.relation, one.parent) for one in trace.raised]


def frames(trace: StackTrace, index: int = 0) -> list[tuple[str, str, int | None, str, bool]]:
    """The frames of one."""
    return [
        (one.file, one.function, one.line, one.module, one.in_app)
        for one in trace.raised[index].frames
    ]


def test_java() -> None:
    """Innermost first in the text; a message of two lines; proxies are no app's own code."""
    found = parse(JAVA)
    assert (found.language, found.text) == ("java", "")
    assert found.raised[0].message == "cannot pay\n order 17"
    assert told(found) == [
        ("java.lang.IllegalStateException", "", -1),
        ("java.io.IOException", "suppressed", 0),
        ("java.lang.NullPointerException", "cause", 0),
    ]
    assert frames(found) == [
        ("Thread.java", "run", 829, "java.lang.Thread", False),
        ("", "charge", None, "com.acme.Pay$$EnhancerBySpringCGLIB$$1a2b3c4d", False),
        ("Pay.java", "charge", 12, "com.acme.Pay", True),
    ]


def test_node() -> None:
    """Causes are indented; functions of the engine have no file."""
    found = parse(NODE)
    assert (found.language, found.text) == ("nodejs", "")
    assert told(found) == [("Error", "", -1), ("RangeError", "cause", 0)]
    assert frames(found)[-1] == ("file:///app/src/cart.js", "wrapped", 33, "", True)
    assert [one[-1] for one in frames(found, 1)] == [False, False, True]
    assert frames(found, 1)[-1] == ("/app/src/cart.js", "new Cart", 22, "", True)


def test_go() -> None:
    """The goroutine that panicked; arguments are no part of a function's name."""
    found = parse(GO)
    assert (found.language, found.text) == ("go", "")
    assert found.raised[0].type == "runtime.Error"
    assert [one[1:] for one in frames(found)][-2:] == [
        ("main.func1", 9, "main", True),
        ("(*Cart).Item", 14, "main", True),
    ]
    assert [one[-1] for one in frames(found)] == [False, False, True, True]


def test_ruby() -> None:
    """What is written in C stands at its caller's place."""
    found = parse(RUBY)
    assert (found.language, found.text) == ("ruby", "")
    assert told(found) == [("ZeroDivisionError", "", -1), ("KeyError", "cause", 0)]
    assert [(one[1], one[-1]) for one in frames(found)] == [
        ("block in run", False),
        ("average", True),
        ("/", False),
    ]


def test_php() -> None:
    """Printed last is the one that was reported; a call tells from where it was called."""
    found = parse(PHP)
    assert (found.language, found.text) == ("php", "")
    assert told(found) == [("LogicException", "", -1), ("Acme\\DeclinedException", "cause", 0)]
    assert frames(found)[-1] == ("/app/src/Cart.php", "charge", 23, "Acme\\Cart", True)
    assert frames(found)[1][:3] == ("/app/index.php", "{closure}", 13)
    assert frames(found, 1)[-1][:3] == ("/app/src/Cart.php", "pay", 20)


def test_dotnet() -> None:
    """State machines and lambdas bear the name of their method."""
    found = parse(DOTNET)
    assert (found.language, found.text) == ("dotnet", "")
    assert told(found) == [
        ("Acme.PayException", "", -1),
        ("System.NullReferenceException", "cause", 0),
    ]
    assert frames(found)[-1] == ("/src/Pay.cs", "ChargeAsync", 12, "Acme.Pay", True)
    assert frames(found)[0][-1] is False


def test_rust() -> None:
    """Without the frames of panicking and the hashes of symbols."""
    found = parse(RUST)
    assert (found.language, found.text) == ("rust", "")
    assert found.raised[0].message == "index out of bounds"
    assert frames(found) == [
        (
            "/rustc/82e1608/library/core/src/ops/function.rs",
            "call_once",
            250,
            "core::ops::function::FnOnce",
            False,
        ),
        ("./src/cart.rs", "item", 14, "shop::cart::Cart", True),
    ]


def test_python_3_13_shows_all_lines_of_a_statement() -> None:
    """They are kept; recursion is not unfolded."""
    text = (
        "Traceback (most recent call last):\n"
        '  File "/app/a.py", line 3, in f\n'
        "    return g(\n            ~^\n        x,\n        ^^\n    ...<2 lines>...\n    )\n    ^\n"
        '  File "/app/a.py", line 9, in g\n    g(x)\n    ~^^^\n'
        "  [Previous line repeated 996 more times]\n"
        "RecursionError: maximum recursion depth exceeded\n"
    )
    found = parse(text)
    assert found.text == ""
    assert found.raised[0].frames[0].code == "return g(\n    x,\n...<2 lines>...\n)"
    assert found.raised[0].frames[1] == Frame("/app/a.py", "g", 9, "g(x)")


def test_notes_are_told_by_the_message_of_the_span() -> None:
    """The text alone does not say where a message ends."""
    text = "Traceback (most recent call last):\nValueError: one\ntwo\nthree\nfour\n"
    found = parse(text, message="one\ntwo").raised[0]
    assert (found.message, found.notes) == ("one\ntwo", ("three", "four"))


def test_type_and_message_of_the_span_are_trusted() -> None:
    """A bare type of a log record is completed from the text."""
    text = "Traceback (most recent call last):\nshop.Late: x\n"
    assert parse(text, type="Other", message="y").raised[0].type == "Other"
    assert parse(text, type="Other", message="y").raised[0].message == "y"
    assert parse(text, type="Late", message="x").raised[0].type == "shop.Late"


@pytest.mark.parametrize("text", [JAVA, NODE, GO, RUBY, PHP, DOTNET, RUST])
def test_a_wrong_language_does_not_matter(text: str) -> None:
    """The text decides."""
    for language in ("python", "java", "nodejs", "dotnet", "swift"):
        assert parse(text, language=language) == parse(text)


def test_too_many_frames_and_exceptions_are_cut_and_said() -> None:
    """The innermost frames are the ones to keep."""
    frame = '  File "/app/a.py", line {}, in f\n    x\n'
    lines = "".join(frame.format(number) for number in range(1000))
    found = parse(f"Traceback (most recent call last):\n{lines}KeyError: 1\n")
    numbers = [one.line for one in found.raised[0].frames]
    assert numbers == [*range(50), *range(850, 1000)]
    assert found.text.endswith("\n[otel-fmd: 800 of 1000 frames are left out]")
    one = "KeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\n"
    found = parse(f"Traceback (most recent call last):\n{one * 60}KeyError: 2\n")
    assert len(found.raised) == 50
    assert found.text.endswith("\n[otel-fmd: 11 exceptions are left out]")


def test_a_message_may_have_lines_that_begin_like_frames() -> None:
    """`at` is an English word."""
    text = "Error: one of\n  at least two\n    at f (/app/a.js:1:2)\n"
    found = parse(text)
    assert found.raised[0].message == "one of\n  at least two"
    assert [one.function for one in found.raised[0].frames] == ["f"]
    assert found.text == ""


def test_colors_and_words_before_a_traceback_do_not_matter() -> None:
    """As a terminal or a log has them; the text is kept then."""
    text = (
        "Task exception was never retrieved\nfuture: <Task finished>\n"
        "\x1b[1mTraceback (most recent call last):\x1b[0m\n"
        '  File \x1b[35m"/app/a.py"\x1b[0m, line \x1b[35m3\x1b[0m, in \x1b[35mf\x1b[0m\n'
        "    g()\n\x1b[1;35mKeyError\x1b[0m: \x1b[35m1\x1b[0m\n"
    )
    found = parse(text)
    assert found.raised[0].type == "KeyError"
    assert found.raised[0].frames == (Frame("/app/a.py", "f", 3, "g()"),)
    assert found.text == text
