"""The same calls for asyncio: coroutines, and results as they come.

No call blocks the event loop, and no thread of the engine enters the interpreter: a descriptor tells the loop
when there is something to read. Cancelling a task ends its operation and what that runs on the host.

```python
async with kensa.connect("web-1.example.com", user="audit", sudo=True) as session:
    async for result in session.scan():
        print(result.status, result.rule_id)
```
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections import deque
from functools import partial
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Awaitable,
    Callable,
    Deque,
    Dict,
    Generator,
    Iterable,
    List,
    Mapping,
    Optional,
    Tuple,
    Union,
)

from . import _drive, _native, errors
from .detect import Capabilities, PlatformInfo, capabilities_of, carrier
from .inventory import HostInfo
from .loading import OneOrMany, PathLike
from .orchestration import (
    OnResult,
    Platform,
    Request,
    carrier_place,
    evaluation,
    log_commands,
    raise_if_lost,
)
from .report import ScanReport, report_of
from .ssh import LocalSession, Result, SSHSession, _result
from .ssh import _Session as _SyncSession
from .types import RuleResult

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Type

    from .rule import Rule

__all__ = [
    "Connecting",
    "HostScan",
    "Reachability",
    "Scan",
    "Session",
    "check_hosts",
    "check_rules_from_path",
    "check_single_rule",
    "connect",
    "detect_capabilities",
    "detect_platform",
    "evaluate_rule",
    "local",
    "quick_host_info",
    "reachable",
    "scan",
]

BATCH = 8
"""Results that are converted between two turns of the event loop; it keeps 200 scans from delaying a timer."""


class _Watch:
    """What one event loop waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._hub = _native.Hub()
        self._waiting: "Dict[int, asyncio.Future[None]]" = {}
        self._tasks = 0

    def enter(self, task: _native.Task) -> None:
        loop = self._loop()
        if self._tasks == 0 and loop is not None:
            loop.add_reader(self._hub.fileno(), self._wake)
        self._tasks += 1
        task.attach(self._hub)

    def leave(self) -> None:
        self._tasks -= 1
        loop = self._loop()
        if self._tasks == 0 and loop is not None and not loop.is_closed():
            loop.remove_reader(self._hub.fileno())

    def news(self, number: int) -> "asyncio.Future[None]":
        future: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        return future

    def _wake(self) -> None:
        for number in self._hub.take():
            future = self._waiting.pop(number, None)
            if future is not None and not future.done():
                future.set_result(None)


_watches: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch]" = weakref.WeakKeyDictionary()


def _watch() -> _Watch:
    loop = asyncio.get_running_loop()
    found = _watches.get(loop)
    if found is None:
        found = _watches[loop] = _Watch(loop)
    return found


class _Items:
    """The items of one running operation, on the event loop."""

    def __init__(
        self, task: _native.Task, supplied: Optional[_drive.Supplied], place: Tuple[str, Optional[int]]
    ) -> None:
        self._task = task
        self._supplied = supplied
        self._place = place
        self._ready: Deque[Tuple[Any, ...]] = deque()
        self._calls: "Dict[int, asyncio.Task[None]]" = {}
        self._broken: Optional[BaseException] = None
        self._future: "Optional[asyncio.Future[None]]" = None
        self._open = True
        self._watch = _watch()
        self._watch.enter(task)

    async def next(self) -> Tuple[Any, ...]:
        """The next item that is not a command to run; raises what made the operation fail."""
        try:
            while True:
                if self._broken is not None:
                    raise self._broken
                while self._ready:
                    item = self._ready.popleft()
                    if not self._handle(item):
                        continue
                    if item[0] in ("done", "failed"):
                        self.close()
                    if item[0] == "failed":
                        raise _drive.failure(item, self._place)
                    return item
                self._ready.extend(self._task.poll(BATCH))
                if self._ready:
                    # Others are due first: what was taken stays here meanwhile.
                    await asyncio.sleep(0)
                    continue
                self._future = self._watch.news(self._task.id)
                await self._future
        except BaseException:
            self.close()
            raise

    async def last(self, on_item: Optional[Callable[[Tuple[Any, ...]], Any]] = None) -> Any:
        """What the operation gives in the end."""
        while True:
            item = await self.next()
            if item[0] == "done":
                return item[1]
            if on_item is not None:
                on_item(item)

    def close(self) -> None:
        """Ends the operation, if it runs, and every command of it that a supplied transport runs."""
        if not self._open:
            return
        self._open = False
        self._task.cancel()
        for call in self._calls.values():
            call.cancel()
        self._watch.leave()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # the interpreter or the loop may be half gone
            pass

    def _handle(self, item: Tuple[Any, ...]) -> bool:
        """Deals with what concerns a supplied transport; whether the item is for the caller."""
        kind = item[0]
        if kind == "request" and self._supplied is not None:
            number = item[1]
            call = asyncio.get_running_loop().create_task(self._run(self._supplied, item))
            self._calls[number] = call
            call.add_done_callback(lambda _: self._calls.pop(number, None))
            return False
        if kind == "withdrawn":
            withdrawn = self._calls.get(item[1])
            if withdrawn is not None:
                withdrawn.cancel()
            return False
        return True

    async def _run(self, supplied: _drive.Supplied, item: Tuple[Any, ...]) -> None:
        _, number, command, timeout = item
        try:
            if inspect.iscoroutinefunction(supplied.transport.run):
                result = await supplied.call(command, timeout)
            else:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(None, supplied.call, command, timeout)
                if inspect.isawaitable(result):
                    result = await result
        except ConnectionError as error:
            self._broken = error
            if self._future is not None and not self._future.done():
                self._future.set_result(None)
        except Exception as error:
            supplied.refuse(self._task, number, error)
        else:
            supplied.answer(self._task, number, result)


class Scan(AsyncIterator[RuleResult]):
    """A running scan: an asynchronous iterator of results, in the order they are settled.

    `await scan` waits for the end and gives the `ScanReport`; after iterating it is `scan.report`. Leaving the
    loop early and calling `aclose`, dropping the object, or cancelling the task ends the scan and what it
    runs on the host. A lost connection raises `SSHConnectionError` at the end; the results given are kept.

    >>> async def main():
    ...     async with local() as session:
    ...         scan = session.scan(rule_ids=[])
    ...         return [result async for result in scan], scan.report.summary.total
    >>> asyncio.run(main())
    ([], 0)
    """

    report: Optional[ScanReport]

    def __init__(self, session: Any, request: Callable[[], Request], on_result: OnResult = None) -> None:
        self._session = session
        self._request = request
        self._on_result = on_result
        self._items: Optional[_Items] = None
        self._streamed: Dict[str, RuleResult] = {}
        self._place = carrier_place(session)
        self.report = None

    def __aiter__(self) -> "Scan":
        return self

    async def __anext__(self) -> RuleResult:
        result = await self._next()
        if result is None:
            raise StopAsyncIteration
        return result

    def __await__(self) -> Generator[Any, None, ScanReport]:
        return self._finish().__await__()

    async def aclose(self) -> None:
        """Ends the scan, if it runs."""
        if self._items is not None:
            self._items.close()

    async def _finish(self) -> ScanReport:
        while await self._next() is not None:
            pass
        assert self.report is not None
        return self.report

    async def _next(self) -> Optional[RuleResult]:
        if self.report is not None:
            return None
        if self._items is None:
            native, supplied, place = carrier(self._session)
            # Reading rules takes its time; other threads have it.
            request = await asyncio.get_running_loop().run_in_executor(None, self._request)
            if request.corpus is None:
                self.report = ScanReport(host=place[0], engine_version=_native.ENGINE_VERSION)
                return None
            self._items = _Items(request.start(native, stream=True), supplied, place)
        while True:
            item = await self._items.next()
            if item[0] == "result":
                result: RuleResult = item[1]
                self._streamed[result.rule_id] = result
                if self._on_result is not None:
                    self._on_result(result)
                return result
            if item[0] == "done":
                self.report = report_of(item[1], self._streamed)
                log_commands(self.report.results)
                raise_if_lost(self.report, self._place)
                return None


class Session:
    """A session with one host, for asyncio. Made by `connect` and `local`.

    >>> async def main():
    ...     async with local() as session:
    ...         return (await session.run("echo hello")).stdout
    >>> asyncio.run(main())
    'hello'
    """

    def __init__(self, session: "Union[SSHSession, LocalSession]") -> None:
        self._session: _SyncSession = session

    @property
    def hostname(self) -> str:
        """The host's name."""
        return self._session.hostname

    @property
    def port(self) -> Optional[int]:
        """The SSH port; `None` for this machine."""
        return self._session.port

    @property
    def is_connected(self) -> bool:
        """Whether the session is connected in this process."""
        return self._session.is_connected

    def __repr__(self) -> str:
        return f"aio.Session({self._session!r})"

    async def connect(self) -> None:
        """Connects; does nothing while connected. Raises the `SSHConnectionError` family."""
        if not self._session.is_connected:
            task = self._session._start_connect()
            self._session._link = await _Items(task, None, self._session._place).last()

    async def run(self, cmd: str, timeout: Optional[float] = None) -> Result:
        """Runs a command; `timeout` in seconds. Raises as `SSHSession.run`."""
        task = self._session._start_run(cmd, timeout)
        value = await _Items(task, None, self._session._place).last()
        return _result(value, cmd, self.hostname)

    async def close(self) -> None:
        """Ends the connection. Idempotent, never raises; it goes on in the background when cancelled."""
        native, self._session._link = self._session._link, None
        if native is None:
            return
        try:
            task = native.start_close()
        except RuntimeError:
            return
        task.release()
        watch = _watch()
        watch.enter(task)
        try:
            limit = asyncio.get_running_loop().time() + 1.0
            while not task.poll(1):
                left = limit - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                await asyncio.wait([watch.news(task.id)], timeout=left)
        finally:
            watch.leave()

    async def __aenter__(self) -> "Session":
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: Optional[BaseException],
        trace: "Optional[TracebackType]",
    ) -> None:
        await self.close()

    def scan(
        self,
        rules_path: Optional[PathLike] = None,
        *,
        severity: OneOrMany = None,
        category: OneOrMany = None,
        tags: OneOrMany = None,
        rule_ids: OneOrMany = None,
        capabilities: Optional[Mapping[str, bool]] = None,
        platform: Platform = None,
        framework: Optional[str] = None,
        var_overrides: Optional[Mapping[str, Any]] = None,
        scan_timeout: Optional[float] = None,
    ) -> Scan:
        """Starts a scan: iterate it for the results, or await it for the report. See `kensa.scan`."""
        return scan(
            self,
            rules_path,
            severity=severity,
            category=category,
            tags=tags,
            rule_ids=rule_ids,
            capabilities=capabilities,
            platform=platform,
            framework=framework,
            var_overrides=var_overrides,
            scan_timeout=scan_timeout,
        )

    async def detect_capabilities(self, *, overrides: Optional[Mapping[str, bool]] = None) -> Capabilities:
        """The host's capabilities and platform. See `kensa.detect_capabilities`."""
        return await detect_capabilities(self, overrides=overrides)


class Connecting(Awaitable[Session]):
    """A session about to be connected: `async with` it, or await it and close the session yourself.

    >>> async def main():
    ...     session = await local()
    ...     await session.close()
    ...     return session.is_connected
    >>> asyncio.run(main())
    False
    """

    def __init__(self, session: "Union[SSHSession, LocalSession]") -> None:
        self._session = Session(session)

    def __await__(self) -> Generator[Any, None, Session]:
        return self._connected().__await__()

    async def _connected(self) -> Session:
        await self._session.connect()
        return self._session

    async def __aenter__(self) -> Session:
        return await self._connected()

    async def __aexit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: Optional[BaseException],
        trace: "Optional[TracebackType]",
    ) -> None:
        await self._session.close()


def connect(
    hostname: str,
    user: Optional[str] = None,
    password: Optional[str] = None,
    key_filename: Optional[PathLike] = None,
    sudo: bool = False,
    *,
    port: Union[int, str] = 22,
    key_path: Optional[PathLike] = None,
    key_data: Optional[str] = None,
    passphrase: Optional[str] = None,
    sudo_password: Optional[str] = None,
    timeout: Optional[float] = None,
    command_timeout: Optional[float] = None,
    host_key_policy: Optional[str] = None,
    known_hosts: Optional[PathLike] = None,
    read_only: bool = False,
) -> Connecting:
    """A session over SSH, to be used with `async with` or awaited. The arguments are those of `SSHSession`.

    >>> connect("web-1.example.com", user="audit", sudo=True)  # doctest: +ELLIPSIS
    <kensa.aio.Connecting object at ...>
    """
    return Connecting(
        SSHSession(
            hostname,
            user,
            password,
            key_filename,
            sudo,
            port=port,
            key_path=key_path,
            key_data=key_data,
            passphrase=passphrase,
            sudo_password=sudo_password,
            timeout=timeout,
            command_timeout=command_timeout,
            host_key_policy=host_key_policy,
            known_hosts=known_hosts,
            read_only=read_only,
        )
    )


def local(*, command_timeout: Optional[float] = None) -> Connecting:
    """A session with this machine; `command_timeout` in seconds.

    >>> async def main():
    ...     async with local() as session:
    ...         return session.hostname
    >>> asyncio.run(main())
    'localhost'
    """
    return Connecting(LocalSession(command_timeout=command_timeout))


def scan(
    session: Any,
    rules_path: Optional[PathLike] = None,
    *,
    severity: OneOrMany = None,
    category: OneOrMany = None,
    tags: OneOrMany = None,
    rule_ids: OneOrMany = None,
    capabilities: Optional[Mapping[str, bool]] = None,
    platform: Platform = None,
    framework: Optional[str] = None,
    var_overrides: Optional[Mapping[str, Any]] = None,
    scan_timeout: Optional[float] = None,
    on_result: OnResult = None,
) -> Scan:
    """Starts a scan over a session or any object with `run`, sync or async. See `kensa.scan`.

    >>> async def main():
    ...     async with local() as session:
    ...         return (await scan(session, rule_ids=[])).results
    >>> asyncio.run(main())
    []
    """
    request = partial(
        Request,
        rules_path,
        severity=severity,
        category=category,
        tags=tags,
        rule_ids=rule_ids,
        capabilities=capabilities,
        platform=platform,
        framework=framework,
        var_overrides=var_overrides,
        scan_timeout=scan_timeout,
    )
    return Scan(session, request, on_result)


async def check_rules_from_path(
    ssh: Any,
    rules_path: PathLike,
    severity: OneOrMany = None,
    category: OneOrMany = None,
    *,
    capabilities: Optional[Mapping[str, bool]] = None,
    tags: OneOrMany = None,
    framework: Optional[str] = None,
    var_overrides: Optional[Mapping[str, Any]] = None,
    rule_ids: OneOrMany = None,
    platform: Platform = None,
    max_workers: Optional[int] = None,
    on_result: OnResult = None,
    verbose: bool = False,
) -> List[RuleResult]:
    """`kensa.check_rules_from_path` as a coroutine: one result per rule, in load order.

    >>> async def main():
    ...     async with local() as session:
    ...         return await check_rules_from_path(session, "/nowhere")
    >>> asyncio.run(main())
    Traceback (most recent call last):
    ...
    FileNotFoundError: no rules at /nowhere: no such file or folder
    """
    request = partial(
        Request,
        rules_path,
        severity=severity,
        category=category,
        tags=tags,
        rule_ids=rule_ids,
        capabilities=capabilities,
        platform=platform,
        framework=framework,
        var_overrides=var_overrides,
    )
    return (await Scan(ssh, request, on_result)).results


async def check_single_rule(
    ssh: Any, rule_path: PathLike, *, capabilities: Optional[Mapping[str, bool]] = None, verbose: bool = False
) -> RuleResult:
    """`kensa.check_single_rule` as a coroutine.

    >>> async def main():
    ...     async with local() as session:
    ...         return await check_single_rule(session, "/nowhere/rule.yml")
    >>> asyncio.run(main())
    Traceback (most recent call last):
    ...
    FileNotFoundError: no rules at /nowhere/rule.yml: no such file or folder
    """
    report = await Scan(ssh, partial(Request, rule_path, capabilities=capabilities))
    if len(report.results) != 1:
        path = str(Path(rule_path))
        raise errors.RuleLoadError(f"{path}: {len(report.results)} rules where one is wanted", path=path)
    return report.results[0]


async def evaluate_rule(
    ssh: Any,
    rule: "Union[Rule, Mapping[str, Any]]",
    capabilities: Optional[Mapping[str, bool]] = None,
    *,
    framework: Optional[str] = None,
    platform: Platform = None,
) -> RuleResult:
    """`kensa.evaluate_rule` as a coroutine.

    >>> async def main():
    ...     async with local() as session:
    ...         return await evaluate_rule(session, {"id": "x"})
    >>> asyncio.run(main()).reason
    'invalid_rule'
    """
    invalid, request = evaluation(ssh, rule, capabilities, framework, platform)
    if invalid is not None or request is None:
        assert invalid is not None
        return invalid
    return (await Scan(ssh, lambda: request)).results[0]


async def detect_capabilities(
    ssh: Any, *, verbose: bool = False, overrides: Optional[Mapping[str, bool]] = None
) -> Capabilities:
    """`kensa.detect_capabilities` as a coroutine.

    >>> async def main():
    ...     async with local() as session:
    ...         return (await detect_capabilities(session, overrides={"tmux": True}))["tmux"]
    >>> asyncio.run(main())
    True
    """
    native, supplied, place = carrier(ssh)
    task = native.start_detect({str(name): bool(value) for name, value in (overrides or {}).items()})
    return capabilities_of(await _Items(task, supplied, place).last())


async def detect_platform(ssh: Any) -> Optional[PlatformInfo]:
    """`kensa.detect_platform` as a coroutine.

    >>> async def main():
    ...     async with local() as session:
    ...         return await detect_platform(session)
    >>> isinstance(asyncio.run(main()), (PlatformInfo, type(None)))
    True
    """
    return (await detect_capabilities(ssh)).platform


async def quick_host_info(ssh: Any, *, verbose: bool = False) -> Tuple[Capabilities, Optional[PlatformInfo]]:
    """`kensa.quick_host_info` as a coroutine.

    >>> async def main():
    ...     async with local() as session:
    ...         return await quick_host_info(session)
    >>> capabilities, platform = asyncio.run(main())
    """
    found = await detect_capabilities(ssh, verbose=verbose)
    return found, found.platform


class Reachability:
    """Whether a host answers, learnt without credentials. `latency` is in seconds.

    >>> Reachability(False, None, None, "refused", "web-1:22: connection refused").reached
    False
    """

    def __init__(
        self, reached: bool, latency: Optional[float], banner: Optional[str], reason: str, message: str
    ) -> None:
        self.reached = reached
        self.latency = latency
        self.banner = banner
        self.reason = reason
        self.message = message

    def __repr__(self) -> str:
        return f"Reachability(reached={self.reached}, latency={self.latency}, banner={self.banner!r})"


async def reachable(host: str, port: int = 22, timeout: float = 5.0) -> Reachability:
    """Asks whether a host answers at a TCP port, within `timeout` seconds. Sends nothing.

    >>> asyncio.run(reachable("127.0.0.1", 1)).reached
    False
    """
    return Reachability(*await _Items(_native.start_reachable(host, port, timeout), None, (host, port)).last())


class HostScan:
    """What `check_hosts` says about one host: its results, or the error that kept it from having any.

    >>> HostScan(HostInfo("web-1")).ok
    True
    """

    def __init__(self, target: HostInfo) -> None:
        self.target = target
        self.results: List[RuleResult] = []
        self.error: Optional[Exception] = None

    @property
    def ok(self) -> bool:
        """Whether the host was scanned."""
        return self.error is None

    def __repr__(self) -> str:
        return f"HostScan({self.target.hostname!r}, results={len(self.results)}, error={self.error!r})"


async def check_hosts(
    targets: Iterable[Union[HostInfo, str]],
    rules_path: Optional[PathLike] = None,
    *,
    workers: int = 10,
    on_result: Optional[Callable[[HostInfo, RuleResult], Any]] = None,
    session_for: Optional[Callable[[HostInfo], Any]] = None,
    sudo: bool = False,
    severity: OneOrMany = None,
    framework: Optional[str] = None,
    var_overrides: Optional[Mapping[str, Any]] = None,
) -> List[HostScan]:
    """Checks several hosts, at most `workers` (1 to 50) at a time, each over one connection.

    A host that fails does not stop the others: its `HostScan` holds the error. `session_for` gives the session
    for a host, connected or not, or any object with `run`; without it, hosts are reached over SSH.

    >>> async def main():
    ...     return await check_hosts([], rules_path=None)
    >>> asyncio.run(main())
    []
    """
    if not 1 <= workers <= 50:
        raise ValueError(f"workers is a number from 1 to 50, not {workers}")
    room = asyncio.Semaphore(workers)

    async def one(target: HostInfo) -> HostScan:
        scanned = HostScan(target)
        async with room:
            session: Any = None
            try:
                if session_for is not None:
                    session = session_for(target)
                else:
                    session = Session(
                        SSHSession(
                            target.hostname, target.user, key_path=target.key_path, port=target.port, sudo=sudo
                        )
                    )
                if isinstance(session, (SSHSession, LocalSession)):
                    session = Session(session)
                if isinstance(session, (Session, Connecting)):
                    session = await session if isinstance(session, Connecting) else session
                    await session.connect()
                running = scan(
                    session,
                    rules_path,
                    severity=severity,
                    framework=framework,
                    var_overrides=var_overrides,
                )
                async for result in running:
                    scanned.results.append(result)
                    if on_result is not None:
                        on_result(target, result)
                if running.report is not None:
                    scanned.results = running.report.results
            except (errors.KensaError, OSError) as error:
                scanned.error = error
            finally:
                if isinstance(session, Session):
                    await session.close()
        return scanned

    hosts = [HostInfo(target) if isinstance(target, str) else target for target in targets]
    return list(await asyncio.gather(*(one(target) for target in hosts)))
