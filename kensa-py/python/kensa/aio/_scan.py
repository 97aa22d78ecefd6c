"""Checking a host from an event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, AsyncIterator, Dict, Generator, List, Mapping, Optional, Union

from .. import _native, _request, orchestration
from .._request import OnProgress, OnResult, Platform, Request, log_commands, log_verdicts, place_of, raise_if_lost
from .._twin import like
from ..detect import carrier
from ..loading import OneOrMany, PathLike
from ..report import ScanReport, report_of
from ..types import RuleResult
from ._loop import Items

if TYPE_CHECKING:
    from ..rule import Rule


@like(orchestration.scan)
def scan(
    ssh: Any,
    rules_path: Optional[PathLike] = None,
    *,
    on_result: OnResult = None,
    on_progress: OnProgress = None,
    **asked: Any,
) -> "Scan":
    """Starts a scan over a session or any object with `run`, sync or async: iterate it for the results as they come,
    or await it for the report. The arguments are those of `kensa.scan`.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return (await kensa.aio.scan(session, rule_ids=[])).results
    >>> asyncio.run(main())
    []
    """
    return Scan(ssh, Request(rules_path, **asked), on_result, on_progress)


@like(orchestration.check_rules_from_path)
async def check_rules_from_path(
    ssh: Any,
    rules_path: PathLike,
    severity: OneOrMany = None,
    category: OneOrMany = None,
    *,
    max_workers: Optional[int] = None,
    on_result: OnResult = None,
    verbose: bool = False,
    **asked: Any,
) -> List[RuleResult]:
    """`kensa.check_rules_from_path` as a coroutine: one result per rule, in load order.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return await kensa.aio.check_rules_from_path(session, "/nowhere")
    >>> asyncio.run(main())
    Traceback (most recent call last):
    ...
    FileNotFoundError: no rules at /nowhere: no such file or folder
    """
    request = Request(rules_path, severity=severity, category=category, **asked)
    return await _checked(ssh, request, on_result, verbose)


@like(orchestration.check_single_rule)
async def check_single_rule(
    ssh: Any, rule_path: PathLike, *, capabilities: Optional[Mapping[str, bool]] = None, verbose: bool = False
) -> RuleResult:
    """`kensa.check_single_rule` as a coroutine.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return await kensa.aio.check_single_rule(session, "/nowhere/rule.yml")
    >>> asyncio.run(main())
    Traceback (most recent call last):
    ...
    FileNotFoundError: no rules at /nowhere/rule.yml: no such file or folder
    """
    request = Request(rule_path, capabilities=capabilities)
    await asyncio.get_running_loop().run_in_executor(None, request.load_one)
    return (await _checked(ssh, request, None, verbose))[0]


@like(orchestration.evaluate_rule)
async def evaluate_rule(
    ssh: Any,
    rule: "Union[Rule, Mapping[str, Any]]",
    capabilities: Optional[Mapping[str, bool]] = None,
    *,
    framework: Optional[str] = None,
    platform: Platform = None,
) -> RuleResult:
    """`kensa.evaluate_rule` as a coroutine.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return await kensa.aio.evaluate_rule(session, {"id": "x"})
    >>> asyncio.run(main()).reason
    'invalid_rule'
    """
    request, problem = _request.evaluation(rule, capabilities, framework, platform)
    if problem:
        return _request.refused(rule, problem, place_of(ssh)[0])
    return (await _checked(ssh, request))[0]


async def _checked(
    ssh: Any, request: Request, on_result: OnResult = None, verbose: bool = False
) -> List[RuleResult]:
    results = (await Scan(ssh, request, on_result)).results
    if verbose:
        log_verdicts(results)
    return results


class Scan(AsyncIterator[RuleResult]):
    """A running scan: an asynchronous iterator of results, in the order they are settled.

    `await scan` waits for the end and gives the `ScanReport`. After iterating it is `scan.report`, whose results are
    made anew when it is first read: a loop that lets its results go keeps none of them. Leaving the
    loop early and calling `aclose`, dropping the object, or cancelling the task ends the scan and what it
    runs on the host. A lost connection raises `SSHConnectionError` at the end; the results given are kept.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         scan = session.scan(rule_ids=[])
    ...         return [result async for result in scan], scan.report.summary.total
    >>> asyncio.run(main())
    ([], 0)
    """

    def __init__(
        self, session: Any, request: Request, on_result: OnResult = None, on_progress: OnProgress = None
    ) -> None:
        self._session = session
        self._request = request
        self._on_result = on_result
        self._on_progress = on_progress
        self._items: Optional[Items] = None
        self._kept: Optional[Dict[str, RuleResult]] = None
        self._native: Optional[_native.Report] = None
        self._report: Optional[ScanReport] = None
        self._was_lost = False

    @property
    def report(self) -> Optional[ScanReport]:
        """The whole report, once the scan has ended."""
        if self._report is None and self._native is not None:
            self._report, self._native = report_of(self._native, self._kept), None
        return self._report

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
        if self._items is None:
            # Who waits for the whole wants all results; who takes them one by one may let them go.
            self._kept = {}
        while await self._next() is not None:
            pass
        report = self.report
        assert report is not None
        return report

    async def _next(self) -> Optional[RuleResult]:
        if self._native is not None or self._report is not None:
            return None
        if self._items is None:
            native, supplied, place = carrier(self._session)
            if not self._request.is_loaded:
                # Reading rules takes its time; other threads have it.
                await asyncio.get_running_loop().run_in_executor(None, self._request.load)
            if self._request.is_empty:
                self._report = ScanReport(host=place[0], engine_version=_native.ENGINE_VERSION)
                return None
            progress = self._on_progress is not None
            self._items = Items(self._request.start(native, stream=True, progress=progress), supplied, place)
        while True:
            item = await self._items.next()
            if item[0] == "result":
                result: RuleResult = item[1]
                if self._kept is not None:
                    self._kept[result.rule_id] = result
                self._was_lost |= result.reason == "connection_lost"
                log_commands([result])
                if self._on_result is not None:
                    self._on_result(result)
                return result
            if item[0] == "progress" and self._on_progress is not None:
                self._on_progress(item[1], item[2])
            if item[0] == "done":
                self._native = item[1]
                if self._was_lost and self.report is not None:
                    raise_if_lost(self.report, place_of(self._session))
                return None
