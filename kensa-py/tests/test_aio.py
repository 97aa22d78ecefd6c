"""asyncio: coroutines, streams, cancellation, and a loop that is never kept waiting."""

import asyncio
import gc
import sys
import time
import weakref
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from conftest import Host, write_rule

import kensa
from kensa import aio


def ids(results: List[kensa.RuleResult]) -> List[str]:
    return [result.rule_id for result in results]


def test_results_stream_and_the_report_has_load_order(rules: Path) -> None:
    async def main() -> None:
        async with kensa.local() as session:
            scan = session.scan(rules)
            streamed = [result async for result in scan]
            assert scan.report is not None and sorted(ids(streamed)) == sorted(ids(scan.report.results))
            expected = ids(kensa.check_rules_from_path(kensa_sync, rules))
            assert ids(scan.report.results) == expected
            assert ids((await session.scan(rules)).results) == expected
            assert ids(await aio.check_rules_from_path(session, rules)) == expected

    with kensa.LocalSession() as kensa_sync:
        asyncio.run(main())


def test_a_stream_keeps_no_result_that_the_loop_let_go(local: kensa.LocalSession, rules: Path) -> None:
    async def main() -> None:
        scan = aio.scan(local, rules)
        seen: "List[weakref.ref[kensa.RuleResult]]" = []
        words: List[str] = []
        async for result in scan:
            words.append(result.to_json())
            seen.append(weakref.ref(result))
            del result
        assert [one() for one in seen] == [None] * 6
        assert scan.report is not None and scan.report is scan.report
        assert sorted(one.to_json() for one in scan.report.results) == sorted(words)

    asyncio.run(main())


def test_loops_come_and_go(rules: Path) -> None:
    async def main() -> int:
        async with kensa.local() as session:
            return len((await session.scan(rules)).results)

    assert [asyncio.run(main()) for _ in range(3)] == [6, 6, 6]
    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(main()) == 6
    finally:
        loop.close()


def test_synchronous_calls_work_inside_a_running_loop(local: kensa.LocalSession, rules: Path) -> None:
    async def main() -> int:
        return len(kensa.check_rules_from_path(local, rules))

    assert asyncio.run(main()) == 6


def test_over_ssh(host: Host, rules: Path) -> None:
    async def main() -> None:
        async with kensa.connect(host.address, user="scan", key_path=host.key, sudo=True) as session:
            assert (await session.run("id -u")).stdout == "0"
            assert (await session.detect_capabilities()).platform_family == "debian"
            assert len((await session.scan(rules)).results) == 6
            with pytest.raises(kensa.CommandTimeout):
                await session.run("sleep 20", timeout=0.5)
        with pytest.raises(kensa.NotConnectedError):
            await session.run("true")
        with pytest.raises(kensa.SSHConnectionError) as caught:
            await kensa.connect(host.address, user="scan", key_path=host.key, port=4)
        assert caught.value.reason == "refused"
        there = await aio.reachable(host.address)
        assert there.reached and there.banner is not None and there.banner.startswith("SSH-2.0")

    asyncio.run(main())


async def gone(host: Host, limit: float = 1.0) -> float:
    """Seconds until no connection to the host is open, at most `limit`."""
    started = time.monotonic()
    while time.monotonic() - started < limit:
        if not connections(host):
            return time.monotonic() - started
        await asyncio.sleep(0.02)
    raise AssertionError(f"a connection is open after {limit} s: {connections(host)}")


def connections(host: Host) -> List[str]:
    """Established connections of this machine to the host."""
    number = "".join(f"{int(part):02X}" for part in reversed(host.address.split("."))) + f":{host.port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[2] == number and line.split()[3] == "01"]


@pytest.mark.parametrize("phase", ["scan", "run"])
def test_a_cancelled_task_frees_the_socket_and_stops_the_work(host: Host, tmp_path: Path, phase: str) -> None:
    folder = tmp_path / "rules"
    write_rule(folder, "slow", '{method: command, run: "sleep 43; echo x", expected_stdout: x}')

    async def work(started: asyncio.Event) -> None:
        async with kensa.connect(host.address, user="scan", key_path=host.key, sudo=True) as session:
            started.set()
            if phase == "scan":
                async for _ in session.scan(folder, capabilities={}, platform=("debian", 12)):
                    pass
            else:
                await session.run("sleep 43")

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(work(started))
        await started.wait()
        await asyncio.sleep(0.7)
        assert connections(host) and "sleep 43" in host.control("exec", "pgrep", "-af", "sleep")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gone(host)
        left = ""
        for _ in range(20):
            left = host.control("exec", "sh", "-c", "pgrep -afx 'sleep 43' || true")
            if not left:
                break
            await asyncio.sleep(0.1)
        assert not left, "nothing is left running on the host"

    asyncio.run(main())


def test_a_cancelled_connect_frees_the_socket(host: Host) -> None:
    async def main() -> None:
        host.control("freeze")
        try:
            task = asyncio.create_task(kensa.connect(host.address, user="scan", key_path=host.key)._connected())
            await asyncio.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await gone(host)
        finally:
            host.control("thaw")

    asyncio.run(main())


def test_a_hung_host_does_not_keep_a_cancelled_task(host: Host) -> None:
    async def main() -> None:
        async def work() -> None:
            async with kensa.connect(host.address, user="scan", key_path=host.key) as session:
                host.control("freeze")
                await session.run("true")

        task = asyncio.create_task(work())
        await asyncio.sleep(1.5)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1.5

    try:
        asyncio.run(main())
    finally:
        host.control("thaw")


def test_leaving_the_loop_early_ends_the_scan(rules: Path) -> None:
    async def main() -> None:
        async with kensa.local() as session:
            scan = session.scan(rules)
            async for _ in scan:
                break
            await scan.aclose()
            assert (await session.run("echo x")).stdout == "x"

    asyncio.run(main())


def test_an_injected_transport_is_cancelled_with_its_scan(rules: Path) -> None:
    seen: Dict[str, bool] = {}

    class Slow:
        async def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                seen["cancelled"] = True
                raise
            return kensa.Result()

    async def main() -> None:
        task = asyncio.create_task(aio.check_rules_from_path(Slow(), rules))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

    asyncio.run(main())
    assert seen == {"cancelled": True}


class Simulated:
    """A host that answers from a recording, a moment later."""

    bare_commands = True

    def __init__(self, number: int, tape: "dict[str, kensa.Result]") -> None:
        self.hostname = f"host-{number}"
        self.tape = tape

    async def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
        await asyncio.sleep(0.005)
        return self.tape[cmd]


class Recorder:
    bare_commands = True

    def __init__(self, session: kensa.LocalSession) -> None:
        self.session = session
        self.tape: "dict[str, kensa.Result]" = {}

    def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
        self.tape[cmd] = self.session.run(cmd, timeout)
        return self.tape[cmd]


def test_the_heartbeat_of_a_busy_loop(local: kensa.LocalSession) -> None:
    """40 simulated hosts at once: the shape of the bench, with a margin for a shared machine."""
    recorder = Recorder(local)
    expected = len(kensa.check_rules_from_path(recorder, kensa.get_rules_path(), severity=["critical", "high"]))
    late: List[float] = []

    async def heartbeat() -> None:
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            late.append(time.perf_counter() - due)

    async def one(number: int) -> int:
        return len([one async for one in aio.scan(Simulated(number, recorder.tape), severity=["critical", "high"])])

    async def main() -> List[int]:
        beat = asyncio.create_task(heartbeat())
        counts = await asyncio.gather(*(one(number) for number in range(40)))
        beat.cancel()
        return list(counts)

    assert asyncio.run(main()) == [expected] * 40
    assert max(late) < 0.25, f"the worst beat was {max(late) * 1000:.0f} ms late"


def memory() -> int:
    """Resident memory of this process, in KiB."""
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_and_descriptors_stay(local: kensa.LocalSession, rules: Path) -> None:
    async def asynchronous() -> Any:
        async with kensa.local() as session:
            return await session.scan(rules)

    def once() -> None:
        kensa.check_rules_from_path(local, rules, on_result=lambda _: None)
        asyncio.run(asynchronous())

    for _ in range(10):
        once()
    gc.collect()
    before, files = memory(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(60):
        once()
    gc.collect()
    assert memory() - before < 8_000, f"{memory() - before} KiB more after 60 scans"
    assert len(list(Path("/proc/self/fd").iterdir())) <= files + 4
