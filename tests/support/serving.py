"""A real `otel-fmd serve` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.support.waiting import wait_for

PASSWORD = "correct horse"


def _samples(text: str) -> list[Sample]:
    """The samples in Prometheus's text format."""
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


class Served:
    """A started server with its addresses."""

    def __init__(self, database_url: str, *options: str, **environment: str) -> None:
        self.database_url = database_url
        command = [sys.executable, "-m", "otel_fmd", "serve", "--database-url", database_url]
        for name in ("--otlp-http-port", "--otlp-grpc-port", "--dashboard-port"):
            if name not in options:
                command += [name, "0"]
        self.process = subprocess.Popen(
            [*command, *options],
            env={**os.environ, "OTEL_FMD_ADMIN_PASSWORD": PASSWORD, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        threading.Thread(target=self._collect, daemon=True).start()
        assert self.process.stdout is not None
        self.output: list[str] = []
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            if line.startswith("ready "):
                break
        else:
            self.process.wait()
            raise AssertionError(f"did not start: {self.output} {self.errors}")
        self.addresses = dict(re.findall(r"(otlp-http|otlp-grpc|dashboard)=(\S+)", self.output[-1]))

    def _collect(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    @property
    def http(self) -> str:
        """The OTLP/HTTP address."""
        return self.addresses["otlp-http"]

    @property
    def traces(self) -> str:
        """The OTLP/HTTP address of traces."""
        return f"{self.http}/v1/traces"

    @property
    def grpc(self) -> str:
        """The OTLP/gRPC address, host and port."""
        return self.addresses["otlp-grpc"].removeprefix("http://")

    @property
    def dashboard(self) -> str:
        """The dashboard's address."""
        return self.addresses["dashboard"]

    def metric(self, sample: str) -> int:
        """A counter of `/metrics`, as `name_total{label="value"}`; 0 if it was never counted."""
        (wanted,) = _samples(f"{sample} 0\n")
        text = requests.get(f"{self.http}/metrics", timeout=10).text
        found = [one for one in _samples(text) if (one.name, one.labels) == wanted[:2]]
        return int(found[0].value) if found else 0

    def rss_mib(self) -> float:
        """Resident memory of the server."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def cpu_s(self) -> float:
        """CPU time that it has taken, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """SIGKILL, as a power cut."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def wait_stored(self, number: int) -> None:
        """Wait until so many requests are stored."""
        wait_for(
            lambda: self.metric("otel_fmd_requests_stored_total") >= number,
            what=f"{number} stored",
        )
