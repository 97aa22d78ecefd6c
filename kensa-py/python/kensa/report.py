"""A whole scan of one host, and the formats it can be written in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from . import _native
from .detect import PlatformInfo, platform_of
from .errors import KensaError
from .types import EPOCH, RuleResult, _compact, _plain, _stamp

__all__ = ["Completeness", "REPORT_FORMATS", "ReportFormat", "ScanReport", "Summary", "export"]


@dataclass(frozen=True)
class ReportFormat:
    """A format a report can be written in.

    >>> [one.extension for one in REPORT_FORMATS if one.name == "json"]
    ['json']
    """

    name: str
    summary: str
    media_type: str
    extension: str


REPORT_FORMATS: Tuple[ReportFormat, ...] = tuple(ReportFormat(*one) for one in _native.formats())
"""Every format `ScanReport.render` can write."""


@dataclass
class Completeness:
    """How many distinct questions a scan had, and how many the host answered.

    >>> Completeness(planned=3, answered=3).complete
    True
    """

    planned: int = 0
    answered: int = 0
    unanswered: int = 0

    @property
    def complete(self) -> bool:
        """Whether nothing is unanswered."""
        return self.unanswered == 0


@dataclass
class Summary:
    """How many rules ended how, and the same by severity.

    >>> Summary.of([RuleResult(rule_id="x", passed=True)]).passed
    1
    """

    total: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errors: int = 0
    by_severity: Dict[str, Dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, results: "List[RuleResult]") -> "Summary":
        """Counts `results`."""
        counts = {name: 0 for name in _STATUSES}
        by_severity: Dict[str, Dict[str, int]] = {}
        for result in results:
            status = result.status
            counts[status] += 1
            by_severity.setdefault(result.severity, {name: 0 for name in _STATUSES})[status] += 1
        ordered = {name: by_severity[name] for name in _SEVERITIES if name in by_severity}
        return cls(len(results), counts["pass"], counts["fail"], counts["skipped"], counts["error"], ordered)

    def _native(self) -> Dict[str, Any]:
        return {
            "total": self.total,
            "pass": self.passed,
            "fail": self.failed,
            "skipped": self.skipped,
            "error": self.errors,
            "by_severity": self.by_severity,
        }


_STATUSES = ("pass", "fail", "skipped", "error")
_SEVERITIES = ("low", "medium", "high", "critical")


@dataclass
class ScanReport:
    """Everything a scan of one host says: who was asked when, and one result per rule, in load order.

    >>> report = ScanReport(host="web-1", results=[RuleResult(rule_id="x", passed=True)])
    >>> report.summary.passed, report.conclusion
    (1, 'compliant')
    """

    schema_version: str = "1.0"
    engine_version: str = ""
    host: str = ""
    platform: Optional[PlatformInfo] = None
    capabilities: Dict[str, bool] = field(default_factory=dict)
    undetermined_capabilities: Dict[str, str] = field(default_factory=dict)
    remarks: List[str] = field(default_factory=list)
    started_at: datetime = EPOCH
    completed_at: datetime = EPOCH
    completeness: Completeness = field(default_factory=Completeness)
    results: List[RuleResult] = field(default_factory=list)
    timings: Optional[Dict[str, Any]] = None
    """Where the time went, for a scan with `profile`: `wall_us`, `overhead` and each rule's cost, in microseconds."""

    @property
    def summary(self) -> Summary:
        """Counts by status and severity."""
        return Summary.of(self.results)

    @property
    def conclusion(self) -> str:
        """`compliant`, `findings` or `incomplete`.

        A certain finding outweighs what could not be told; a scan that was cut short (the connection was lost, or
        the time ran out) is incomplete whatever it found.
        """
        summary = self.summary
        if any(result.reason in ("connection_lost", "cancelled") for result in self.results):
            return "incomplete"
        if summary.failed:
            return "findings"
        if summary.errors or self.completeness.unanswered or not summary.passed:
            return "incomplete"
        return "compliant"

    def to_dict(self) -> Dict[str, Any]:
        """The report as JSON types in the engine's own shape, which every language shares.

        >>> ScanReport(host="web-1").to_dict()["host"]
        'web-1'
        """
        platform: Optional[Dict[str, Any]] = None
        if self.platform is not None:
            platform = {
                "id": self.platform.id,
                "family": self.platform.family,
                "major": self.platform.version,
                "version_id": self.platform.version_id,
                "pretty_name": self.platform.pretty_name,
            }
        report: Dict[str, Any] = {
            "schema_version": self.schema_version,
            "engine_version": self.engine_version,
            "host": self.host,
            "platform": platform,
            "capabilities": dict(sorted(self.capabilities.items())),
        }
        if self.undetermined_capabilities:
            report["undetermined_capabilities"] = dict(sorted(self.undetermined_capabilities.items()))
        if self.remarks:
            report["remarks"] = list(self.remarks)
        report.update(
            started_at=_stamp(self.started_at),
            completed_at=_stamp(self.completed_at),
            completeness=_plain(vars(self.completeness)),
            summary=self.summary._native(),
        )
        if self.timings is not None:
            report["timings"] = self.timings
        report["results"] = [result._native() for result in self.results]
        return report

    def to_json(self) -> str:
        """The engine's own JSON on one line, byte for byte the same in every language.

        >>> ScanReport(host="web-1").to_json()[:23]
        '{"schema_version":"1.0"'
        """
        return _compact(self.to_dict())

    def render(self, format: str = "text", *, verbose: bool = False) -> str:
        """The report in one of `REPORT_FORMATS`: `text`, `json`, `jsonl`, `csv`, `junit` or `sarif`.

        Raises `ValueError` for an unknown format; the text names all there are.

        >>> ScanReport(host="web-1").render("json").startswith("{")
        True
        """
        text, problem = _native.render(self.to_json(), format, verbose, None)
        if text is None:
            if format not in [one.name for one in REPORT_FORMATS]:
                raise ValueError(problem)
            raise KensaError(problem)
        return text


def export(results: Iterable[RuleResult], format: str = "json", *, verbose: bool = False) -> str:
    """Results in one of `REPORT_FORMATS`, as `ScanReport.render` writes them; of one host or of several.

    Raises `ValueError` for an unknown format; the text names all there are.

    >>> export([RuleResult(rule_id="x", passed=True)], "csv").splitlines()[1].split(",")[1:3]
    ['x', '']
    """
    listed = list(results)
    times = [time for one in listed for time in (one.started_at, one.completed_at) if time is not None]
    hosts = dict.fromkeys(one.host for one in listed)
    return ScanReport(
        engine_version=_native.ENGINE_VERSION,
        host=", ".join(hosts),
        started_at=min(times, default=EPOCH),
        completed_at=max(times, default=EPOCH),
        results=listed,
    ).render(format, verbose=verbose)


def report_of(native: _native.Report, streamed: Optional[Mapping[str, RuleResult]] = None) -> ScanReport:
    """The engine's report as Python has it, with the results `streamed` before where those were kept."""
    head = native.head()
    schema, engine, host, platform, capabilities, undetermined, remarks, started, completed, counts, timings = head
    results = native.results() if streamed is None else [streamed[rule_id] for rule_id in native.rule_ids()]
    return ScanReport(
        schema_version=schema,
        engine_version=engine,
        host=host,
        platform=platform_of(platform),
        capabilities=capabilities,
        undetermined_capabilities=undetermined,
        remarks=remarks,
        started_at=started,
        completed_at=completed,
        completeness=Completeness(*counts),
        results=results,
        timings=None if timings is None else json.loads(timings),
    )
