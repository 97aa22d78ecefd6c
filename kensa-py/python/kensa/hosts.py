"""Many hosts in one call."""

from __future__ import annotations

from typing import Any, Callable, Iterable, List, Mapping, Optional, Tuple, Union

from . import _drive, _native
from .inventory import HostInfo
from .loading import OneOrMany, PathLike
from ._request import Request, log_commands, raise_if_lost
from .report import ScanReport, report_of
from .ssh import SSHSession
from .types import RuleResult

__all__ = ["HostScan", "check_hosts"]

Place = Tuple[str, Optional[int]]


class HostScan:
    """What `check_hosts` says about one host: its results, or the error that kept it from having all of them.

    `report` is the whole report; `None` for a host that was not entered.

    >>> HostScan(HostInfo("web-1")).ok
    True
    """

    def __init__(self, target: HostInfo) -> None:
        self.target = target
        self.report: Optional[ScanReport] = None
        self.error: Optional[BaseException] = None

    @property
    def results(self) -> List[RuleResult]:
        """One result per rule; empty for a host that was not entered."""
        return [] if self.report is None else self.report.results

    @property
    def ok(self) -> bool:
        """Whether the host was scanned to the end."""
        return self.error is None

    def __repr__(self) -> str:
        return f"HostScan({self.target.hostname!r}, results={len(self.results)}, error={self.error!r})"


def check_hosts(
    targets: Iterable[Union[HostInfo, SSHSession, str]],
    rules_path: Optional[PathLike] = None,
    *,
    workers: int = 10,
    on_result: Optional[Callable[[HostInfo, RuleResult], Any]] = None,
    on_host: Optional[Callable[[HostScan], Any]] = None,
    sudo: bool = False,
    severity: OneOrMany = None,
    category: OneOrMany = None,
    tags: OneOrMany = None,
    rule_ids: OneOrMany = None,
    framework: Optional[str] = None,
    var_overrides: Optional[Mapping[str, Any]] = None,
    scan_timeout: Optional[float] = None,
) -> List[HostScan]:
    """Checks several hosts, at most `workers` (1 to 50) at a time, each over one connection.

    A target is a host of an inventory, its name, or an `SSHSession` that says how to enter it; a connection
    of its own is made for the scan, so the session may be closed or in use. `sudo` is for targets that are no session.
    A host that fails does not stop the others: its `HostScan` holds the error. The list has the order of the
    targets. A password is tried on one host first and on no other if that host refuses it.

    `on_host` is called with each host as it settles, `on_result` before it with the host and each of its results;
    both on the calling thread. `scan_timeout` limits the scan of each host, in seconds; the other arguments are
    those of `check_rules_from_path`, and so are the exceptions for rules that do not load.

    >>> check_hosts([])
    []
    """
    crew = Crew(targets, workers, sudo, on_result, on_host)
    request = Request(
        rules_path,
        severity=severity,
        category=category,
        tags=tags,
        rule_ids=rule_ids,
        framework=framework,
        var_overrides=var_overrides,
        scan_timeout=scan_timeout,
    )
    request.load()
    task = crew.start(request)
    if task is not None:
        _drive.finish(task, on_item=crew.settle)
    return crew.scans


class Crew:
    """The hosts of one call and what became of them; shared with the coroutine."""

    def __init__(
        self,
        targets: Iterable[Union[HostInfo, SSHSession, str]],
        workers: int,
        sudo: bool,
        on_result: Optional[Callable[[HostInfo, RuleResult], Any]],
        on_host: Optional[Callable[[HostScan], Any]],
    ) -> None:
        if not 1 <= workers <= 50:
            raise ValueError(f"workers is a number from 1 to 50, not {workers}")
        self._workers = workers
        self._on_result = on_result
        self._on_host = on_host
        self._ways: List[_native.Target] = []
        self._places: List[Place] = []
        self.scans: List[HostScan] = []
        for target in [targets] if isinstance(targets, (str, HostInfo)) else targets:
            self._add(target, sudo)

    def _add(self, target: Union[HostInfo, SSHSession, str], sudo: bool) -> None:
        if isinstance(target, str):
            from .inventory import host_of

            target = host_of(target)
        if isinstance(target, SSHSession):
            session = target
            info = HostInfo(session.hostname, session.port or 22, session.user, session.key_path)
        elif isinstance(target, HostInfo):
            info = target
            session = SSHSession(info.hostname, info.user, key_path=info.key_path, port=info.port or 22, sudo=sudo)
        else:
            raise TypeError(f"a target is a HostInfo, an SSHSession or a name, not {type(target).__name__}")
        self._ways.append(session._target)
        self._places.append(session._place)
        self.scans.append(HostScan(info))

    def start(self, request: Request) -> Optional[_native.Task]:
        """The operation; `None` when there is nothing to do."""
        if request.is_empty:
            for scan in self.scans:
                scan.report = ScanReport(host=scan.target.hostname, engine_version=_native.ENGINE_VERSION)
                self._tell(scan)
            return None
        return request.start_fleet(self._ways, self._workers) if self._ways else None

    def settle(self, item: Tuple[Any, ...]) -> None:
        """Takes what the engine says about one host."""
        _, index, report, failed = item
        scan, place = self.scans[index], self._places[index]
        if failed is not None:
            scan.error = _drive.failure(failed, place)
        else:
            scan.report = report_of(report)
            log_commands(scan.report.results)
            try:
                raise_if_lost(scan.report, place)
            except ConnectionError as error:
                scan.error = error
        self._tell(scan)

    def _tell(self, scan: HostScan) -> None:
        if self._on_result is not None:
            for result in scan.results:
                self._on_result(scan.target, result)
        if self._on_host is not None:
            self._on_host(scan)
