"""Many hosts in one call, synchronous and not, with one outcome."""

import asyncio
import inspect
import threading
import time
from pathlib import Path
from typing import Any, Callable, List

import pytest
from conftest import Host, write_rule

import kensa
from kensa import aio


def coroutine(*given: Any, **named: Any) -> List[kensa.HostScan]:
    return asyncio.run(aio.check_hosts(*given, **named))


both = pytest.mark.parametrize("check", [kensa.check_hosts, coroutine])
Check = Callable[..., List[kensa.HostScan]]


def way(host: Host, **given: Any) -> kensa.HostInfo:
    return kensa.HostInfo(host.address, **{"port": host.port, "user": "scan", "key_path": host.key, **given})


@both
def test_one_dead_host_does_not_stop_the_others(host: Host, rules: Path, check: Check) -> None:
    session = kensa.SSHSession(host.address, "scan", key_path=host.key, port=host.port, sudo=True)
    seen: List[Any] = []
    threads = set()

    def on_host(scan: kensa.HostScan) -> None:
        threads.add(threading.get_ident())
        seen.append(scan.target.user)

    targets = [way(host), way(host, port=4), session, way(host, user="nosuchuser")]
    results: List[str] = []
    scans = check(targets, rules, workers=3, on_host=on_host, on_result=lambda _, one: results.append(one.rule_id))
    whole, dead, other, refused = scans
    assert whole.ok and other.ok and len(whole.results) == len(other.results) == 6
    assert whole.report is not None and whole.results[0].host_context is not None
    assert isinstance(dead.error, kensa.SSHConnectionError) and dead.error.reason == "refused" and not dead.results
    assert f"{host.address}:4" in str(dead.error)
    assert isinstance(refused.error, kensa.SSHAuthenticationError)
    assert sorted(seen) == ["nosuchuser", "scan", "scan", "scan"] and len(results) == 12
    assert threads == {threading.get_ident()}, "callbacks run on the calling thread"
    assert not session.is_connected


@both
def test_rules_that_do_not_load_are_no_matter_of_a_host(rules: Path, check: Check) -> None:
    with pytest.raises(FileNotFoundError):
        check(["web-1"], rules / "nowhere")
    with pytest.raises(ValueError, match="workers"):
        check([], rules, workers=51)
    (rules / "none").mkdir()
    (empty,) = check("audit@web-1:2222", rules / "none")
    assert empty.ok and (empty.target.user, empty.target.port) == ("audit", 2222)
    with pytest.raises(TypeError):
        check([3], rules)


@both
def test_what_a_callback_raises_ends_the_call_and_the_work(host: Host, rules: Path, check: Check) -> None:
    slow = rules / "system"
    write_rule(slow, "z-slow", '{method: command, run: "sleep 47; echo x", expected_stdout: x}')

    class Stop(Exception):
        pass

    def stop(scan: kensa.HostScan) -> None:
        raise Stop

    started = time.monotonic()
    with pytest.raises(Stop):
        check([way(host), way(host, port=4)], rules, on_host=stop)
    assert time.monotonic() - started < 20
    for _ in range(50):
        if not host.control("exec", "sh", "-c", "pgrep -afx 'sleep 47' || true"):
            return
        time.sleep(0.1)
    raise AssertionError("work is left on the host")


def test_both_have_one_signature() -> None:
    for name in aio.__all__:
        call, twin = getattr(aio, name), getattr(kensa, name, None)
        if inspect.isfunction(call) and inspect.isfunction(twin) and call is not twin:
            assert inspect.signature(call).parameters == inspect.signature(twin).parameters, name
    assert list(inspect.signature(aio.connect).parameters)[:5] == ["hostname", "user", "password", "key_filename", "sudo"]
    assert inspect.iscoroutinefunction(aio.check_rules_from_path) and inspect.iscoroutinefunction(aio.check_hosts)
    with pytest.raises(TypeError):
        aio.scan(None, serverity="high")  # type: ignore[call-arg]
