"""The service as a newcomer starts it, with two workers and three real hosts. `../test` runs all this."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

HERE = Path(__file__).resolve().parent.parent
BED = HERE.parents[1] / "tests" / "bed" / "host.sh"
PASSWORD = "Scan-pw-1"  # of the bed's account scanpw
LIMIT = 180.0  # seconds after which a test gives up waiting


def eventually(what: Callable[[], Any], why: str) -> Any:
    end = time.monotonic() + LIMIT
    while not (found := what()):
        assert time.monotonic() < end, why
        time.sleep(0.05)
    return found


@dataclass
class Machine:
    """A host of the test bed."""

    name: str
    addr: str
    key: str
    hostkey: str

    def control(self, command: str, *arguments: str) -> str:
        done = subprocess.run([BED, command, self.name, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sh(self, command: str) -> str:
        return self.control("exec", "sh", "-c", command)

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Makes every `find` take its time, so that a scan is still under way when something happens to it."""
        script = "printf '#!/bin/sh\nsleep 3\nexec find.quick \"$@\"\n' > /usr/bin/find && chmod 755 /usr/bin/find"
        self.sh(f"mv /usr/bin/find /usr/bin/find.quick && {script}")
        try:
            yield
        finally:
            self.sh("mv /usr/bin/find.quick /usr/bin/find")


@pytest.fixture(scope="session")
def machines() -> Iterator[list[Machine]]:
    names = [f"{os.environ['FLEET_TEST_HOSTS']}-{letter}" for letter in "abc"]

    def boot(name: str) -> Machine:
        up = subprocess.run([BED, "up", name, "debian"], capture_output=True, text=True)
        assert up.returncode == 0, up.stderr
        values = dict(line.split("=", 1) for line in up.stdout.splitlines())
        return Machine(name, *(values[one] for one in ("addr", "key", "hostkey")))

    with ThreadPoolExecutor() as pool:
        booted = list(pool.map(boot, names))
    yield booted
    subprocess.run([BED, "down", *names], check=True)


class Fleet:
    """The running service: its web process, its workers, and a client."""

    def __init__(self, folder: Path, machines: list[Machine]) -> None:
        self.folder = folder
        self.machines = machines
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started = 0
        credentials = folder / "credentials"
        credentials.mkdir()
        for name, text in {
            "fleet.key": Path(machines[0].key).read_text(),
            "scanpw.password": PASSWORD + "\n",
            "mistyped.password": "Not-the-password",
            "open.key": "a key others may read",
        }.items():
            (credentials / name).touch(0o644 if name == "open.key" else 0o600)
            (credentials / name).write_text(text)
        self.environment = {
            **os.environ,
            "FLEET_CREDENTIALS": str(credentials),
            "FLEET_CONCURRENCY": "2",
            "FLEET_ATTEMPTS": "3",
            "FLEET_RETRY_WAIT": "1",
            "FLEET_CONNECT_TIMEOUT": "20",
            "FLEET_HEARTBEAT": "1",
            "FLEET_LOST_AFTER": "8",
            "FLEET_STOP_TIMEOUT": "1",
        }
        socket = folder / "web.sock"
        self.web = self._start(
            "web", "uvicorn", "fleet.app:app", "--uds", str(socket), "--timeout-graceful-shutdown", "2"
        )
        self.client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://fleet", timeout=LIMIT
        )
        eventually(lambda: socket.exists() or self.web.poll() is not None, "the web process does not start")
        assert self.web.poll() is None, (folder / "web.log").read_text()
        for _ in range(2):
            self.add_worker()

    def _start(self, log: str, *module: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *module], cwd=HERE, env=self.environment, stdout=output, stderr=output
            )

    def add_worker(self) -> subprocess.Popen[bytes]:
        self._started += 1
        worker = self._start(f"worker-{self._started}", "fleet.worker")
        self.workers.append(worker)
        return worker

    def worker_of(self, scan: dict[str, Any]) -> subprocess.Popen[bytes]:
        return next(one for one in self.workers if str(scan["worker"]).endswith(f":{one.pid}"))

    def stop(self) -> None:
        for process in [*self.workers, self.web]:
            process.send_signal(signal.SIGTERM)
        for process in [*self.workers, self.web]:
            process.wait(LIMIT)

    # What a client does

    def get(self, path: str, status: int = 200, /, **query: str) -> Any:
        answer = self.client.get(path, params={name.rstrip("_"): value for name, value in query.items()})
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any], status: int) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def add_host(self, machine: Machine, **given: Any) -> str:
        host = {
            "hostname": machine.addr,
            "username": "scan",
            "credential": "fleet",
            "host_key": machine.hostkey,
            **given,
        }
        return str(self.post("/hosts", host, 201)["id"])

    def forget(self, host: str) -> None:
        """Makes room for another entry of the same address; the service itself forgets no host."""
        self.sql("DELETE FROM scans WHERE host_id = %s", host)
        self.sql("DELETE FROM hosts WHERE id = %s", host)

    def scan(self, host: str) -> str:
        return str(self.post("/scans", {"host_id": host}, 202)["id"])

    def held(self, host: str) -> UUID:
        """A queued scan that no worker takes, for tests that do a worker's part."""
        job = """INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at)
                 VALUES ('default', 'scan_host', now() + interval '1 day') RETURNING id"""
        scan = "INSERT INTO scans (host_id, job_id) VALUES (%s, %s) RETURNING id"
        return UUID(str(self.sql(scan, host, self.sql(job)[0][0])[0][0]))

    def events(self, scan: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The scan's server-sent events, until the server ends the stream."""
        with self.client.stream("GET", f"/scans/{scan}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            kind, end = "", time.monotonic() + LIMIT
            for line in stream.iter_lines():  # a line at least every 15 seconds: the server sends pings
                assert time.monotonic() < end, f"the scan does not end: {self.get(f'/scans/{scan}')}"
                if line.startswith("event: "):
                    kind = line[len("event: ") :]
                elif line.startswith("data: "):
                    yield kind, json.loads(line[len("data: ") :])

    def end(self, scan: str) -> dict[str, Any]:
        """How the scan ended, as its event stream tells."""
        *_, (kind, last) = self.events(scan)
        assert kind == "end"
        return last

    def completed(self, scan: str) -> dict[str, Any]:
        last = self.end(scan)
        assert last["status"] == "completed", last
        return last

    def under_way(self, scan: str) -> dict[str, Any]:
        """The scan once a worker is connected and has the first results."""
        return next(state for _, state in self.events(scan) if state["status"] == "running" and state["done"])

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(os.environ["FLEET_DATABASE"], autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, machines: list[Machine]) -> Iterator[Fleet]:
    running = Fleet(tmp_path_factory.mktemp("fleet"), machines)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def machine(fleet: Fleet) -> Machine:
    return fleet.machines[0]


@pytest.fixture
def host(fleet: Fleet, machine: Machine) -> Iterator[str]:
    """A host that is known to the service and was never scanned."""
    added = fleet.add_host(machine)
    yield added
    fleet.forget(added)
