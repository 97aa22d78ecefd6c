"""The result types: plain dataclasses that copy, pickle, compare and become JSON.

Times are timezone-aware `datetime` objects in UTC, durations are whole milliseconds, text is free of NUL and
lone surrogates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Optional, Union

__all__ = [
    "CheckResult",
    "Evidence",
    "EvidenceList",
    "PreState",
    "RemediationResult",
    "RollbackResult",
    "RuleResult",
    "Source",
    "StepResult",
]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _stamp(time: Optional[datetime]) -> Optional[str]:
    """RFC 3339 in UTC with milliseconds, as the engine writes it."""
    if time is None:
        return None
    time = time.astimezone(timezone.utc)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """`value` with dataclasses, times and containers as JSON types."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)


def _to_dict(item: Any) -> Dict[str, Any]:
    return {one.name: _plain(getattr(item, one.name)) for one in fields(item)}


@dataclass
class Evidence:
    """One command and its answer. Run by hand as the same user, `command` prints `stdout`.

    `timestamp` is when the command started (aware, UTC), `duration_ms` how long it took. `stdout_bytes` and
    `stderr_bytes` are set where a stream was cut and give its original size in bytes. `via` is the command
    that really ran where many questions were folded into one. An `exit_code` of -1 means that the command
    never ended.

    >>> Evidence(method="command", command="id -u", stdout="0\\n").exit_code
    0
    """

    method: str = ""
    command: str = ""
    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0
    expected: str = ""
    actual: str = ""
    timestamp: datetime = EPOCH
    duration_ms: int = 0
    via: Optional[str] = None
    stdout_bytes: Optional[int] = None
    stderr_bytes: Optional[int] = None
    redacted: bool = False
    lossy: bool = False

    def to_dict(self) -> Dict[str, Any]:
        """All fields as JSON types, `timestamp` as ISO 8601 text.

        >>> Evidence(command="id").to_dict()["timestamp"]
        '1970-01-01T00:00:00+00:00'
        """
        return _to_dict(self)

    def _native(self) -> Dict[str, Any]:
        native: Dict[str, Any] = {"method": self.method, "command": self.command}
        if self.via is not None:
            native["via"] = self.via
        native.update(
            stdout=self.stdout,
            stderr=self.stderr,
            exit_code=self.exit_code,
            expected=self.expected,
            actual=self.actual,
            timestamp=_stamp(self.timestamp),
            duration_ms=self.duration_ms,
        )
        for name in ("stdout_bytes", "stderr_bytes"):
            if getattr(self, name) is not None:
                native[name] = getattr(self, name)
        for name in ("redacted", "lossy"):
            if getattr(self, name):
                native[name] = True
        return native


class EvidenceList(List[Evidence]):
    """Several pieces of evidence in rule order; the attributes of one read through to the deciding one.

    The deciding one is the first that failed, else the first.

    >>> both = EvidenceList([Evidence(command="a"), Evidence(command="b")], deciding=1)
    >>> len(both), both.command
    (2, 'b')
    """

    deciding: int

    def __init__(self, items: Iterable[Evidence] = (), *, deciding: int = 0) -> None:
        super().__init__(items)
        self.deciding = deciding

    def _decisive(self) -> Evidence:
        if not self:
            return Evidence()
        return self[self.deciding] if 0 <= self.deciding < len(self) else self[0]

    @property
    def method(self) -> str:
        """The check method of the deciding evidence."""
        return self._decisive().method

    @property
    def command(self) -> str:
        """The command of the deciding evidence."""
        return self._decisive().command

    @property
    def stdout(self) -> str:
        """Standard output of the deciding evidence."""
        return self._decisive().stdout

    @property
    def stderr(self) -> str:
        """Standard error of the deciding evidence."""
        return self._decisive().stderr

    @property
    def exit_code(self) -> int:
        """Exit status of the deciding evidence."""
        return self._decisive().exit_code

    @property
    def expected(self) -> str:
        """What the rule wants, of the deciding evidence."""
        return self._decisive().expected

    @property
    def actual(self) -> str:
        """What was found, of the deciding evidence."""
        return self._decisive().actual

    @property
    def timestamp(self) -> datetime:
        """When the deciding command started (aware, UTC)."""
        return self._decisive().timestamp

    def to_dict(self) -> List[Dict[str, Any]]:
        """Every piece as JSON types.

        >>> EvidenceList([Evidence(command="id")]).to_dict()[0]["command"]
        'id'
        """
        return [item.to_dict() for item in self]


@dataclass
class Source:
    """A file on the host, and a line in it (from 1) where one line decided.

    >>> str(Source("/etc/ssh/sshd_config", 12))
    '/etc/ssh/sshd_config:12'
    """

    path: str
    line: Optional[int] = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def to_dict(self) -> Dict[str, Any]:
        """The fields as JSON types.

        >>> Source("/etc/fstab").to_dict()
        {'path': '/etc/fstab', 'line': None}
        """
        return {"path": self.path, "line": self.line}


@dataclass
class RuleResult:
    """How one rule ended on one host. Every attribute always exists.

    `passed` is `False` for a rule that was skipped or could not be told; `status` tells the four apart.
    `reason` is a code from a closed set (`permission_denied`, `timed_out`, `platform_mismatch`, …) and set
    for skips and errors only. `check_duration_ms` is in milliseconds, times are aware and in UTC.

    >>> result = RuleResult(rule_id="x", passed=True)
    >>> result.status
    'pass'
    >>> RuleResult(rule_id="x", error="sudo refused").status
    'error'
    """

    rule_id: str = ""
    title: str = ""
    severity: str = "medium"
    category: str = ""
    passed: bool = False
    skipped: bool = False
    skip_reason: Optional[str] = None
    detail: str = ""
    error: Optional[str] = None
    evidence: Union[Evidence, EvidenceList, None] = None
    framework_refs: Dict[str, str] = field(default_factory=dict)
    framework_section: Optional[str] = None
    actual_value: Optional[str] = None
    expected_value: Optional[str] = None
    implementation_used: Optional[str] = None
    check_method: Optional[str] = None
    check_duration_ms: Optional[int] = None
    started_at: Optional[datetime] = None
    completed_at: Optional[datetime] = None
    host: str = ""
    host_context: Optional[Dict[str, Any]] = None
    reason: Optional[str] = None
    source: Optional[Source] = None
    variables: Dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """`pass`, `fail`, `skipped` or `error`."""
        if self.error is not None:
            return "error"
        if self.skipped:
            return "skipped"
        return "pass" if self.passed else "fail"

    @property
    def evidence_list(self) -> List[Evidence]:
        """The evidence as a list, whatever its number.

        >>> RuleResult(rule_id="x").evidence_list
        []
        """
        if self.evidence is None:
            return []
        return [self.evidence] if isinstance(self.evidence, Evidence) else list(self.evidence)

    @property
    def framework_controls(self) -> Dict[str, List[str]]:
        """`framework_refs` with the controls of each framework as a list.

        >>> RuleResult(rule_id="x", framework_refs={"nist_800_53": "AC-6, CM-6"}).framework_controls
        {'nist_800_53': ['AC-6', 'CM-6']}
        """
        return {framework: controls.split(", ") for framework, controls in self.framework_refs.items()}

    def to_dict(self) -> Dict[str, Any]:
        """All fields, `framework_controls` and `status` as JSON types, times as ISO 8601 text.

        >>> RuleResult(rule_id="x", skipped=True, skip_reason="for rhel only").to_dict()["status"]
        'skipped'
        """
        plain = _to_dict(self)
        plain["framework_controls"] = self.framework_controls
        plain["status"] = self.status
        return plain

    def to_json(self) -> str:
        """The engine's own JSON of this result, byte for byte the same in every language.

        >>> RuleResult(rule_id="x", passed=True).to_json()[:29]
        '{"rule_id":"x","title":"","se'
        """
        return _compact(self._native())

    def _native(self) -> Dict[str, Any]:
        source: Optional[Dict[str, Any]] = None
        if self.source is not None:
            source = {"path": self.source.path}
            if self.source.line is not None:
                source["line"] = self.source.line
        return {
            "rule_id": self.rule_id,
            "title": self.title,
            "severity": self.severity,
            "category": self.category,
            "status": self.status,
            "reason": self.reason,
            "detail": self.detail if self.error is None else self.error,
            "expected_value": self.expected_value,
            "actual_value": self.actual_value,
            "source": source,
            "check_method": self.check_method,
            "implementation_used": self.implementation_used,
            "evidence": [item._native() for item in self.evidence_list],
            "framework_refs": self.framework_controls,
            "framework_section": self.framework_section,
            "host": self.host,
            "variables": self.variables,
            "started_at": _stamp(self.started_at),
            "completed_at": _stamp(self.completed_at),
            "duration_ms": self.check_duration_ms,
        }


CheckResult = RuleResult


@dataclass
class PreState:
    """What a remediation step captured before it changed anything.

    `data` holds JSON types only and is enough to restore; `summary` is one line for people without secrets.

    >>> PreState(mechanism="manual", capturable=False).data
    {}
    """

    mechanism: str = ""
    data: Dict[str, Any] = field(default_factory=dict)
    capturable: bool = True
    summary: str = ""

    def to_dict(self) -> Dict[str, Any]:
        """The fields as JSON types.

        >>> PreState(mechanism="file_permissions").to_dict()["capturable"]
        True
        """
        return _to_dict(self)


@dataclass
class StepResult:
    """One step of a remediation. `step_index` counts from 0, `duration_ms` is in milliseconds.

    >>> StepResult(mechanism="manual").success
    False
    """

    step_index: int = 0
    mechanism: str = ""
    success: bool = False
    detail: str = ""
    pre_state: Optional[PreState] = None
    post_state: Optional[Dict[str, Any]] = None
    verified: Optional[bool] = None
    verify_detail: str = ""
    risk_level: str = "na"
    staged: bool = False
    stranded: bool = False
    duration_ms: Optional[int] = None

    def to_dict(self) -> Dict[str, Any]:
        """The fields as JSON types.

        >>> StepResult(mechanism="manual").to_dict()["pre_state"] is None
        True
        """
        return _to_dict(self)


@dataclass
class RollbackResult:
    """One step of a rollback.

    >>> RollbackResult(step_index=0, mechanism="file_permissions", success=True).detail
    ''
    """

    step_index: int = 0
    mechanism: str = ""
    success: bool = False
    detail: str = ""

    def to_dict(self) -> Dict[str, Any]:
        """The fields as JSON types.

        >>> RollbackResult().to_dict()["success"]
        False
        """
        return _to_dict(self)


@dataclass
class RemediationResult(RuleResult):
    """A check result, and what was done to make the rule pass.

    >>> RemediationResult(rule_id="x").steps
    []
    """

    remediated: bool = False
    changes_made: bool = False
    remediation_detail: str = ""
    dry_run: bool = False
    step_results: List[StepResult] = field(default_factory=list)
    rolled_back: bool = False
    rollback_results: List[RollbackResult] = field(default_factory=list)
    rollback_available: bool = False
    rollback_data: Optional[Dict[str, Any]] = None
    reboot_required: bool = False
    risk_level: str = "na"
    remediation_id: Optional[str] = None
    transaction_status: str = "skipped"
    phases: Optional[Dict[str, Any]] = None

    @property
    def steps(self) -> List[Dict[str, Any]]:
        """`step_results` as plain dicts."""
        names = (
            "step_index",
            "mechanism",
            "success",
            "detail",
            "pre_state",
            "post_state",
            "verified",
            "verify_detail",
            "risk_level",
        )
        steps = []
        for step in self.step_results:
            plain = step.to_dict()
            plain["verified"] = bool(step.verified)
            steps.append({name: plain[name] for name in names})
        return steps
