"""Attacks on a real server: none takes much memory, and whoever means well is still served."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import grpc
import pytest
import requests

from tests.support import attacks
from tests.support.attacks import MIB, PROTOBUF, Memory, at_once, connect, half_open, is_closed
from tests.support.people import log_in
from tests.support.serving import PASSWORD, Served
from tests.support.spans import Spans, body
from tests.support.waiting import wait_for

MOST_MIB = 64.0
"""What one attack may add to the memory that the server took before it."""
MOST_KEPT_MIB = 112.0
"""What all of them, one after another, may leave behind: heaps that are full of holes."""
TOKEN = "a token of some length"
POST = (
    b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
    b"Content-Length: 1048576\r\n\r\n"
)


class Attacked:
    """A server, its memory before, and somebody who means well."""

    def __init__(self, served: Served, token: str) -> None:
        self.served = served
        self.bearer = {"Authorization": f"Bearer {token}"} if token else {}
        self.seeds = iter(range(1_000_000, 9_000_000))
        for _ in range(40):
            self.send(500)
        self.look()
        self.memory = Memory(served)
        self.at_first = self.memory.at_start

    def send(self, number: int = 3) -> None:
        """Spans, over both transports."""
        headers = {"Content-Type": PROTOBUF, **self.bearer}
        data = body(Spans(next(self.seeds)).many(number))

        def is_taken() -> bool:
            # As exporters do: whoever is told to come again does.
            answer = requests.post(self.served.traces, data=data, headers=headers, timeout=30)
            assert answer.status_code in (200, 429)
            return answer.status_code == 200

        wait_for(is_taken, 20, "spans are taken")
        metadata = tuple((key.lower(), value) for key, value in self.bearer.items())
        with grpc.insecure_channel(self.served.grpc) as channel:
            export = channel.unary_unary(attacks.EXPORT)
            data = body(Spans(next(self.seeds)).many(number))

            def is_taken_again() -> bool:
                try:
                    export(data, timeout=30, metadata=metadata)
                except grpc.RpcError as error:
                    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                    return False
                return True

            wait_for(is_taken_again, 20, "spans are taken")

    def look(self) -> None:
        """At the dashboard, logged in."""
        address = self.served.dashboard
        with requests.Session() as session:
            assert log_in(session, address, PASSWORD).status_code == 200

    def check(self) -> None:
        """Memory stayed bounded, and others are served."""
        self.send()
        grown = self.memory.peak_mib() - self.memory.at_start
        # What a login takes by itself, for the hash of its password, is half of that.
        kept = self.served.rss_mib() - self.at_first
        self.look()
        # Each attack by itself: one that took too much is not held against the next.
        self.memory = Memory(self.served)
        print(f"{grown:.0f} MiB more at the peak, {kept:.0f} MiB kept")
        assert grown <= MOST_MIB
        assert kept <= MOST_KEPT_MIB


@pytest.fixture(scope="module", params=["", TOKEN], ids=["no token", "token"])
def attacked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    """One server that is attacked in every way, one after another."""
    path = tmp_path_factory.mktemp("attacks") / "fmd.db"
    token = {"OTEL_FMD_OTLP_TOKEN": request.param} if request.param else {}
    served = Served(f"sqlite:///{path}", **token)
    yield Attacked(served, request.param)
    assert served.process.poll() is None
    assert not [line for line in served.errors if "Traceback" in line], "".join(served.errors)[
        -4000:
    ]
    served.stop()


BODIES = list(attacks.bodies())


@pytest.mark.parametrize("case", BODIES, ids=[name for name, *_ in BODIES])
def test_bodies_that_become_large(attacked: Attacked, case: tuple[str, bytes, str, str]) -> None:
    """Many messages, objects, texts or zeros in at most a MiB, a dozen at once, both transports.

    From somebody who has the token.
    """
    _, data, kind, coding = case
    assert len(data) <= MIB
    served = attacked.served
    metadata = tuple((key.lower(), value) for key, value in attacked.bearer.items())

    def over_http() -> None:
        headers = {"Content-Type": kind, "Content-Encoding": coding, **attacked.bearer}
        answer = requests.post(served.traces, data=data, headers=headers, timeout=60)
        assert answer.status_code in (200, 400, 413, 429)

    def over_grpc() -> None:
        with grpc.insecure_channel(served.grpc) as channel:
            # As it is: the receiver tells compressed bodies by their first bytes.
            channel.unary_unary(attacks.EXPORT)(data, timeout=60, metadata=metadata)

    at_once([over_http] * 12)
    if kind == PROTOBUF:
        at_once([over_grpc] * 12)
    attacked.check()


def test_large_headers(attacked: Attacked) -> None:
    """One of 300 MB is cut off early; many of 60 KB that never end are turned away."""
    with connect(attacked.served.http) as one:
        with suppress(OSError):
            one.sendall(b"GET / HTTP/1.1\r\nX: ")
            for _ in range(300):
                one.sendall(b"x" * 1_000_000)
        wait_for(lambda: is_closed(one), what="it is cut off")
    for url in (attacked.served.http, attacked.served.dashboard):
        with half_open(url, 1_500, b"GET / HTTP/1.1\r\nX: " + b"x" * 60_000):
            attacked.check()


def test_unfinished_bodies(attacked: Attacked) -> None:
    """Hundreds that want to send a MiB, and stop before its end."""
    with half_open(attacked.served.http, 300, POST) as many:
        for one in many:
            one.settimeout(5)
        # As much as each is let to send.
        at_once([lambda one=one: one.sendall(bytes(MIB - 1)) for one in many], threads=32)
        attacked.check()


@pytest.mark.parametrize(
    "first", [b"", b"POST /v1/traces HT", POST], ids=["nothing", "half a line", "headers"]
)
def test_half_open_connections(attacked: Attacked, first: bytes) -> None:
    """Two thousand, at each port: the dashboard and other senders still answer."""
    served = attacked.served
    for url in (served.http, served.dashboard, served.grpc):
        with half_open(url, 2_000, first):
            attacked.check()


def test_a_login_with_a_large_body(attacked: Attacked) -> None:
    """900 MB are refused before they are read, declared or in chunks."""
    url = f"{attacked.served.dashboard}/login"
    chunks = [b"username=" + b"x" * MIB] * 900

    def declared() -> None:
        with connect(attacked.served.dashboard) as one:
            one.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 943718400\r\n\r\n")
            with suppress(OSError):
                for chunk in chunks:
                    one.sendall(chunk)
            wait_for(lambda: is_closed(one), what="it is cut off")

    def chunked() -> None:
        assert requests.post(url, data=iter(chunks), timeout=30).status_code == 413

    at_once([declared, chunked] * 6)
    small = {"username": "x" * (MIB - 100)}
    at_once([lambda: requests.post(url, small, timeout=30)] * 24)
    attacked.check()


def test_many_logins_at_once(attacked: Attacked) -> None:
    """The hash of a password is made to take memory: of one at a time."""
    at_once([attacked.look] * 12)
    attacked.check()


def test_calls_without_a_token(attacked: Attacked) -> None:
    """Refused before their message is read; without one asked for, sixteen are read at once."""
    data = bytes(MIB)
    with grpc.insecure_channel(attacked.served.grpc) as channel:
        for _ in range(4):
            calls = [channel.unary_unary(attacks.EXPORT).future(data) for _ in range(64)]
            for one in calls:
                with suppress(grpc.RpcError):
                    one.result(30)
                    raise AssertionError("taken")
    attacked.check()


def test_a_slow_trickle(attacked: Attacked) -> None:
    """A byte every half second: closed when the headers take too long, and nobody else waits."""
    stop = threading.Event()
    with half_open(attacked.served.http, 40, b"P") as many:
        threads = [
            threading.Thread(target=attacks.trickle, args=(one, b"OST /" + b"a" * 1000, stop))
            for one in many
        ]
        for thread in threads:
            thread.start()
        attacked.check()
        wait_for(lambda: all(map(is_closed, many)), 60, "slow connections are closed")
        stop.set()
        for thread in threads:
            thread.join()


def test_answers_that_nobody_reads(attacked: Attacked) -> None:
    """Requests on one connection without end, pages of which no answer is read."""
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    for url in (attacked.served.http, attacked.served.dashboard):
        with half_open(url, 50, b"") as many:
            for one in many:
                one.settimeout(1)
            at_once([lambda one=one: one.sendall(request * 20_000) for one in many], threads=25)
            attacked.check()


def test_logs_that_cannot_be_read(attacked: Attacked) -> None:
    """A MiB each, many at once: refused."""
    url = f"{attacked.served.http}/v1/logs"
    headers = {"Content-Type": PROTOBUF, **attacked.bearer}
    at_once([lambda: requests.post(url, data=bytes(MIB), headers=headers, timeout=30)] * 100)
    attacked.check()
