"""Evaluating rules on a host, and the synchronous calls that change one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _request
from ._request import OnProgress, OnResult, Platform, Request
from .detect import Capabilities, PlatformInfo, detect_capabilities
from .loading import OneOrMany, PathLike
from .report import ScanReport
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
    profile: bool = False,
    on_result: OnResult = None,
    on_progress: OnProgress = None,
) -> ScanReport:
    """Checks a host and gives the whole report: results, platform, capabilities, completeness.

    The arguments are those of `check_rules_from_path`; `rules_path` defaults to `get_rules_path()`.
    `scan_timeout` limits the whole scan, in seconds: what is unanswered then is an error with reason
    `cancelled`. `profile` measures where the time goes, for `ScanReport.timings`.
    `on_progress(answered, planned)` counts questions. A lost connection does not raise here: the rules it hits
    are errors with reason `connection_lost`.

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
        profile=profile,
    ).load()
    return _request.run(ssh, request, on_result, on_progress)


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
    ).load()
    return _checked(ssh, request, on_result, verbose)


def _checked(ssh: Any, request: Request, on_result: OnResult = None, verbose: bool = False) -> List[RuleResult]:
    report = _request.run(ssh, request, on_result)
    _request.raise_if_lost(report, _request.place_of(ssh))
    if verbose:
        _request.log_verdicts(report.results)
    return report.results


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
    return _checked(ssh, Request(rule_path, capabilities=capabilities).load_one(), verbose=verbose)[0]


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
    request, problem = _request.evaluation(rule, capabilities, framework, platform)
    if problem:
        return _request.refused(rule, problem, _request.place_of(ssh)[0])
    return _checked(ssh, request)[0]


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
