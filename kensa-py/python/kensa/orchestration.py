"""Evaluating rules on a host, and the synchronous calls that change one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _corpus, _drive, _env, _native
from .detect import Capabilities, PlatformInfo, carrier, detect_capabilities
from .errors import RuleLoadError, RuleNotFoundError, SSHConnectionError
from .loading import OneOrMany, PathLike, select
from .report import ScanReport, report_of
from .storage import RemediationStepRecord, unsupported
from .types import RemediationResult, RollbackResult, RuleResult

if TYPE_CHECKING:
    from .rule import Rule

__all__ = [
    "check_rules_from_path",
    "check_single_rule",
    "evaluate_rule",
    "quick_host_info",
    "remediate_rule",
    "rollback_from_stored",
    "scan",
]

Platform = Union[PlatformInfo, Tuple[str, int], None]
OnResult = Optional[Callable[[RuleResult], Any]]


class Request:
    """A scan as it was asked for, checked and loaded, before any host is asked."""

    def __init__(
        self,
        rules_path: Optional[PathLike],
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
        corpus: Optional[_native.Corpus] = None,
    ) -> None:
        if corpus is None:
            corpus = _corpus.load(_root(rules_path))
        self.corpus = None if corpus is None else select(corpus, severity, category, tags, rule_ids)
        known, overrides = _facts(capabilities, platform)
        self.facts = known
        self.how: Dict[str, Any] = {
            "variables": {str(name): _as_text(value) for name, value in (var_overrides or {}).items()},
            "framework": framework,
            "overrides": overrides,
            "scan_timeout": scan_timeout,
            "evidence_limit": _env.evidence_limit(),
            "facts": known,
        }

    def start(self, native: _native.Session, *, stream: bool, progress: bool = False) -> _native.Task:
        assert self.corpus is not None
        return native.start_scan(self.corpus, {**self.how, "stream": stream, "progress": progress})


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


def _facts(
    capabilities: Optional[Mapping[str, bool]], platform: Platform
) -> "Tuple[Optional[Tuple[Any, Dict[str, bool], Dict[str, str]]], Dict[str, bool]]":
    """What is known of the host, if that is everything; else the capabilities to set by hand."""
    values = {str(name): bool(value) for name, value in (capabilities or {}).items()}
    undetermined: Dict[str, str] = dict(getattr(capabilities, "undetermined", None) or {})
    # Changed by hand since: then it is what the caller says.
    undetermined = {name: why for name, why in undetermined.items() if not values.get(name)}
    given = platform if platform is not None else getattr(capabilities, "platform", None)
    for name in undetermined:
        values.pop(name, None)
    if capabilities is None or given is None:
        return None, values
    info = given if isinstance(given, PlatformInfo) else PlatformInfo(given[0], int(given[1]))
    parts = (info.family, info.version, info.id, info.version_id, info.pretty_name)
    return (parts, values, undetermined), {}


def raise_if_lost(report: ScanReport, place: Tuple[str, Optional[int]]) -> None:
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


def scan(
    ssh: Any,
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
    on_progress: Optional[Callable[[int, int], Any]] = None,
) -> ScanReport:
    """Checks a host and gives the whole report: results, platform, capabilities, completeness.

    The arguments are those of `check_rules_from_path`; `rules_path` defaults to `get_rules_path()`.
    `scan_timeout` limits the whole scan, in seconds: what is unanswered then is an error with reason
    `cancelled`. `on_progress(answered, planned)` counts questions. A lost connection does not raise here:
    the rules it hits are errors with reason `connection_lost`.

    >>> from kensa import LocalSession
    >>> with LocalSession() as session:
    ...     report = scan(session, rule_ids=["no-such-rule"])
    >>> report.summary.total
    0
    """
    request = Request(
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
    report = _scan(ssh, request, on_result, on_progress)
    log_commands(report.results)
    return report


def _scan(
    ssh: Any,
    request: Request,
    on_result: OnResult = None,
    on_progress: Optional[Callable[[int, int], Any]] = None,
) -> ScanReport:
    native, supplied, place = carrier(ssh)
    if request.corpus is None:
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
    value = _drive.finish(task, supplied, on_item if listening else None, place)
    return report_of(value, streamed)


def check_rules_from_path(
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
    """Loads the rules at `rules_path`, checks those that pass the filters, and gives one result per rule.

    `ssh` is a connected session or any object with `run`. Filters take one word or several and ignore case.
    `capabilities` (name to yes or no) and `platform` replace what would be detected. `framework` selects
    variable values and the control shown, it drops no rule. `var_overrides` sets variables for this call.
    `on_result` is called with each result on the calling thread. `max_workers` is accepted and not needed:
    all questions travel together. Nothing on the host is changed.

    Raises `FileNotFoundError` for a missing path, `RuleLoadError` when the variables of the rules do not load,
    `VariableError` for an override that is not valid, `NotConnectedError` for a closed session, and
    `SSHConnectionError` when the connection is lost in mid-scan. What a signal handler or a callback raises
    propagates unchanged, and what runs on the host is stopped.

    >>> from kensa import LocalSession, get_rules_path
    >>> with LocalSession() as session:
    ...     results = check_rules_from_path(session, get_rules_path(), severity=["critical"])
    >>> all(result.status in ("pass", "fail", "skipped", "error") for result in results)
    True
    """
    request = Request(
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
    report = _scan(ssh, request, on_result)
    raise_if_lost(report, carrier_place(ssh))
    log_commands(report.results)
    if verbose:
        from ._log import log

        for result in report.results:
            log().info("%s: %s: %s: %s", result.host, result.rule_id, result.status, result.detail)
    return report.results


def carrier_place(session: Any) -> Tuple[str, Optional[int]]:
    """Host and port of a session, for messages."""
    inner = getattr(session, "_session", session)
    host = getattr(inner, "hostname", None) or getattr(inner, "host", None) or "host"
    port = getattr(inner, "port", None)
    return str(host), port if isinstance(port, int) else None


def check_single_rule(
    ssh: Any, rule_path: PathLike, *, capabilities: Optional[Mapping[str, bool]] = None, verbose: bool = False
) -> RuleResult:
    """Checks the one rule in a file, with the variables of its directory.

    Raises `FileNotFoundError` and `RuleLoadError` for the file, and what `check_rules_from_path` raises.

    >>> check_single_rule(None, "/nowhere/rule.yml")
    Traceback (most recent call last):
    ...
    FileNotFoundError: no rules at /nowhere/rule.yml: no such file or folder
    """
    path = Path(os.fspath(rule_path))
    corpus = _corpus.load(path, strict=False)
    entries = [] if corpus is None else corpus.rules()
    if not entries:
        raise RuleLoadError(f"{path}: no rule in this file", path=str(path))
    if len(entries) > 1:
        raise RuleLoadError(f"{path}: {len(entries)} rules where one is wanted", path=str(path))
    request = Request(path, capabilities=capabilities, corpus=corpus)
    return _only(ssh, request, entries[0][0], verbose)


def _only(ssh: Any, request: Request, rule_id: str, verbose: bool = False) -> RuleResult:
    report = _scan(ssh, request)
    raise_if_lost(report, carrier_place(ssh))
    log_commands(report.results)
    if not report.results:
        raise RuleNotFoundError(f"no rule has the id {rule_id}")
    result = report.results[0]
    if verbose:
        from ._log import log

        log().info("%s: %s: %s: %s", result.host, result.rule_id, result.status, result.detail)
    return result


def evaluate_rule(
    ssh: Any,
    rule: "Union[Rule, Mapping[str, Any]]",
    capabilities: Optional[Mapping[str, bool]] = None,
    *,
    framework: Optional[str] = None,
    platform: Platform = None,
) -> RuleResult:
    """Checks one rule given as a `Rule` or an equal dictionary. Does not resolve variables.

    A rule that is not valid, or that still holds a variable, ends in an error result. Raises as
    `check_rules_from_path`.

    >>> rule = {
    ...     "id": "motd-exists", "title": "T", "description": "D", "rationale": "R", "severity": "low",
    ...     "category": "system",
    ...     "implementations": [{"default": True, "check": {"method": "file_exists", "path": "/etc/passwd"}}],
    ... }
    >>> from kensa import LocalSession
    >>> with LocalSession() as session:
    ...     evaluate_rule(session, rule).status
    'pass'
    """
    if not isinstance(rule, Mapping):
        raise TypeError(f"rule is a Rule or a dictionary, not {type(rule).__name__}")
    invalid, request = evaluation(ssh, rule, capabilities, framework, platform)
    if invalid is not None or request is None:
        assert invalid is not None
        return invalid
    return _only(ssh, request, str(rule.get("id")))


def evaluation(
    ssh: Any, rule: Mapping[str, Any], capabilities: Optional[Mapping[str, bool]], framework: Optional[str], platform: Platform
) -> "Tuple[Optional[RuleResult], Optional[Request]]":
    """The request to check one rule, or the result of a rule that is not valid."""
    corpus, problems = _corpus.of_rules([rule])
    if corpus is None or len(corpus) == 0:
        problem = next(iter(problems.values()), "the rule does not load")
        return invalid_rule(rule, problem, carrier_place(ssh)[0]), None
    return None, Request(None, capabilities=capabilities, platform=platform, framework=framework, corpus=corpus)


def invalid_rule(rule: Mapping[str, Any], problem: str, host: str) -> RuleResult:
    """The result of a rule the engine refuses."""
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


def quick_host_info(ssh: Any, *, verbose: bool = False) -> Tuple[Capabilities, Optional[PlatformInfo]]:
    """The host's capabilities and platform, in one go.

    >>> from kensa import LocalSession
    >>> with LocalSession() as session:
    ...     capabilities, platform = quick_host_info(session)
    >>> capabilities.platform == platform
    True
    """
    found = detect_capabilities(ssh, verbose=verbose)
    return found, found.platform


def remediate_rule(
    ssh: Any,
    rule: "Union[Rule, Mapping[str, Any], str]",
    capabilities: Optional[Mapping[str, bool]] = None,
    *,
    dry_run: bool = False,
    rollback_on_failure: bool = False,
    snapshot: bool = False,
    timeout: Optional[float] = None,
    on_event: Optional[Callable[[Any], Any]] = None,
) -> RemediationResult:
    """Makes one rule pass, with a way back; `timeout` in seconds. Not built yet: raises `UnsupportedError`.

    >>> remediate_rule(None, "x")
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: remediate_rule is not available in this version: remediation is not built yet
    """
    refuse_read_only(ssh)
    raise unsupported("remediate_rule")


def rollback_from_stored(
    ssh: Any,
    step_records: Sequence[Union[RemediationStepRecord, Mapping[str, Any]]],
    *,
    timeout: Optional[float] = None,
) -> List[RollbackResult]:
    """Restores captured states; `timeout` in seconds. Not built yet: raises `UnsupportedError`.

    >>> rollback_from_stored(None, [])
    []
    >>> rollback_from_stored(None, [RemediationStepRecord()])
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: rollback_from_stored is not available in this version: remediation is not built yet
    """
    refuse_read_only(ssh)
    if not step_records:
        return []
    raise unsupported("rollback_from_stored")


def refuse_read_only(ssh: Any) -> None:
    """Raises `PermissionError` for a session that was opened read-only."""
    if getattr(ssh, "read_only", False):
        raise PermissionError("the session was opened read-only: nothing on the host may be changed")
