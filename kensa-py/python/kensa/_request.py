"""A scan as it is asked for, and what is made of its end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from . import _corpus, _drive, _env, _native
from .detect import PlatformInfo, carrier
from .errors import RuleLoadError, SSHConnectionError
from .loading import OneOrMany, PathLike, select
from .report import ScanReport, report_of
from .types import RuleResult

Platform = Union[PlatformInfo, Tuple[str, int], None]
OnResult = Optional[Callable[[RuleResult], Any]]
OnProgress = Optional[Callable[[int, int], Any]]
Place = Tuple[str, Optional[int]]


class Request:
    """What to ask: checked when it is made, its rules read by `load`, before any host is asked."""

    def __init__(
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
        profile: bool = False,
    ) -> None:
        self._path = rules_path
        self._filters = (severity, category, tags, rule_ids)
        self._corpus: Optional[_native.Corpus] = None
        self.is_loaded = False
        facts, known, overrides = _facts(capabilities, platform)
        self._how: Dict[str, Any] = {
            "variables": {str(name): _as_text(value) for name, value in (var_overrides or {}).items()},
            "framework": framework,
            "overrides": overrides,
            "scan_timeout": scan_timeout,
            "evidence_limit": _env.evidence_limit(),
            "profile": bool(profile),
            "facts": facts,
            "platform": known,
        }

    def load(self) -> "Request":
        """Reads the rules and keeps those that pass the filters. Takes its time; may run on another thread."""
        corpus = _corpus.load(_root(self._path))
        return self.of(corpus if corpus is None else select(corpus, *self._filters))

    def load_one(self) -> "Request":
        """Reads the one rule of a file."""
        path = str(_root(self._path))
        corpus = _corpus.load(Path(path))
        if corpus is None or len(corpus) == 0:
            raise RuleLoadError(f"{path}: no rule in this file", path=path)
        if len(corpus) > 1:
            raise RuleLoadError(f"{path}: {len(corpus)} rules where one is wanted", path=path)
        return self.of(corpus)

    def of(self, corpus: Optional[_native.Corpus]) -> "Request":
        """Takes rules that are loaded already."""
        self._corpus = corpus
        self.is_loaded = True
        return self

    @property
    def is_empty(self) -> bool:
        """Whether there are no rules at all. Where a filter leaves none, the host is still asked what it is."""
        return self._corpus is None

    def start(self, native: _native.Session, *, stream: bool, progress: bool = False) -> _native.Task:
        """Starts to scan one host."""
        assert self._corpus is not None
        return native.start_scan(self._corpus, {**self._how, "stream": stream, "progress": progress})

    def start_plan(self, native: _native.Session) -> _native.Task:
        """Starts to plan a scan of one host."""
        assert self._corpus is not None
        return _native.start_plan(native, self._corpus, {**self._how, "stream": False, "progress": False})

    def start_fleet(self, targets: List[_native.Target], workers: int) -> _native.Task:
        """Starts to scan many hosts."""
        assert self._corpus is not None
        return _native.start_fleet(targets, self._corpus, {**self._how, "stream": False, "progress": False}, workers)


def evaluation(
    rule: Mapping[str, Any], capabilities: Optional[Mapping[str, bool]], framework: Optional[str], platform: Platform
) -> Tuple[Request, str]:
    """The request to check one rule given as a dictionary, and what is wrong with a rule that is not valid."""
    corpus, problems = _corpus.of_rule(rule)
    request = Request(capabilities=capabilities, platform=platform, framework=framework).of(corpus)
    return request, "; ".join(problems) if corpus is None else ""


def run(
    ssh: Any, request: Request, on_result: OnResult = None, on_progress: OnProgress = None
) -> ScanReport:
    """Scans the host behind `ssh`, on the calling thread."""
    native, supplied, place = carrier(ssh)
    if request.is_empty:
        return ScanReport(host=place[0], engine_version=_native.ENGINE_VERSION)
    streamed: Optional[Dict[str, RuleResult]] = None if on_result is None else {}

    def on_item(item: Tuple[Any, ...]) -> None:
        if item[0] == "result" and on_result is not None and streamed is not None:
            streamed[item[1].rule_id] = item[1]
            on_result(item[1])
        elif item[0] == "progress" and on_progress is not None:
            on_progress(item[1], item[2])

    listening = on_result is not None or on_progress is not None
    task = request.start(native, stream=on_result is not None, progress=on_progress is not None)
    report = report_of(_drive.finish(task, supplied, on_item if listening else None, place), streamed)
    log_commands(report.results)
    return report


def refused(rule: Mapping[str, Any], problem: str, host: str) -> RuleResult:
    """The result of a rule that is not valid."""
    return RuleResult(
        rule_id=str(rule.get("id") or ""),
        title=str(rule.get("title") or ""),
        severity=str(rule.get("severity") or "medium"),
        category=str(rule.get("category") or ""),
        detail=f"Error: the rule is not valid: {problem}",
        error=f"the rule is not valid: {problem}",
        reason="invalid_rule",
        host=host,
    )


def place_of(session: Any) -> Place:
    """Host and port of a session, for messages."""
    inner = getattr(session, "_session", session)
    host = getattr(inner, "hostname", None) or getattr(inner, "host", None) or "host"
    port = getattr(inner, "port", None)
    return str(host), port if isinstance(port, int) else None


def raise_if_lost(report: ScanReport, place: Place) -> None:
    """A connection lost in mid-scan is an exception, whatever had been found."""
    for result in report.results:
        if result.reason == "connection_lost":
            host, port = place
            shown = host if port is None else f"{host}:{port}"
            error = SSHConnectionError(
                f"{shown}: the connection was lost in mid-scan: {result.error}", host=host, port=port, reason="closed"
            )
            error.details["results"] = [one.to_dict() for one in report.results if one.reason != "connection_lost"]
            raise error


def log_commands(results: Iterable[RuleResult]) -> None:
    """Logs what was run, where the environment asks for it."""
    if not _env.log_check_commands():
        return
    from ._log import log

    for result in results:
        for item in result.evidence_list:
            log().info("%s: %s: %s", result.host, result.rule_id, item.command)


def log_verdicts(results: Iterable[RuleResult]) -> None:
    """Logs how each rule ended, for `verbose`."""
    from ._log import log

    for result in results:
        log().info("%s: %s: %s: %s", result.host, result.rule_id, result.status, result.detail)


def _root(path: Optional[PathLike]) -> Path:
    if path is None:
        from .paths import get_rules_path

        return get_rules_path()
    return Path(os.fspath(path))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_as_text(item) for item in value)
    return str(value)


Facts = Tuple[Any, Dict[str, bool], Dict[str, str]]


def _facts(
    capabilities: Optional[Mapping[str, bool]], platform: Platform
) -> Tuple[Optional[Facts], Any, Dict[str, bool]]:
    """What is known of the host, if that is everything; else its platform and the capabilities set by hand."""
    values = {str(name): bool(value) for name, value in (capabilities or {}).items()}
    undetermined: Dict[str, str] = dict(getattr(capabilities, "undetermined", None) or {})
    # Changed by hand since: then it is what the caller says.
    undetermined = {name: why for name, why in undetermined.items() if not values.get(name)}
    given = platform if platform is not None else getattr(capabilities, "platform", None)
    for name in undetermined:
        values.pop(name, None)
    if given is None:
        return None, None, values
    info = given if isinstance(given, PlatformInfo) else PlatformInfo(given[0], int(given[1]))
    parts = (info.family, info.version, info.id, info.version_id, info.pretty_name)
    if capabilities is None:
        return None, parts, values
    return (parts, values, undetermined), None, {}
