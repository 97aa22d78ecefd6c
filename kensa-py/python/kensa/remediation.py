"""The asynchronous job API for changes. Not built yet: the names are here, the calls say so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Union

from .rule import Rule
from .storage import unsupported
from .types import RemediationResult, RollbackResult, _to_dict

__all__ = ["RemediationJob", "RollbackSummary", "get_job", "remediate_rule", "rollback_remediation"]


@dataclass
class RemediationJob:
    """One remediation of one rule on one host.

    >>> RemediationJob(id="x", rule_id="r").status
    'failed'
    """

    id: str
    rule_id: str
    host: str = ""
    status: str = "failed"
    dry_run: bool = False
    rollback_available: bool = False
    result: Optional[RemediationResult] = None
    created_at: Optional[datetime] = None
    completed_at: Optional[datetime] = None

    def to_dict(self) -> Dict[str, Any]:
        """The job as JSON types.

        >>> RemediationJob(id="x", rule_id="r").to_dict()["id"]
        'x'
        """
        return _to_dict(self)


@dataclass
class RollbackSummary:
    """How a rollback ended.

    >>> RollbackSummary(job_id="x").success
    False
    """

    job_id: str
    success: bool = False
    detail: str = ""
    rule_results: List[Dict[str, Any]] = field(default_factory=list)
    results: List[RollbackResult] = field(default_factory=list)
    completed_at: Optional[datetime] = None


async def remediate_rule(
    session: Any,
    rule_id: Union[str, Rule, Mapping[str, Any]],
    dry_run: bool = False,
    *,
    rules_path: Optional[str] = None,
    capabilities: Optional[Mapping[str, bool]] = None,
    rollback_on_failure: bool = True,
    framework: Optional[str] = None,
    var_overrides: Optional[Mapping[str, Any]] = None,
) -> RemediationJob:
    """Makes one rule pass, with a way back. Not built yet: raises `UnsupportedError`, touches nothing.

    >>> import asyncio
    >>> asyncio.run(remediate_rule(None, "x"))
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: remediate_rule is not available in this version: remediation is not built yet
    """
    raise unsupported("remediate_rule")


async def rollback_remediation(session: Any, job: Union[str, RemediationJob]) -> RollbackSummary:
    """Undoes a job. Not built yet: raises `UnsupportedError`, touches nothing.

    >>> import asyncio
    >>> asyncio.run(rollback_remediation(None, "x"))
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: rollback_remediation is not available in this version: remediation is not built yet
    """
    raise unsupported("rollback_remediation")


def get_job(job_id: str) -> RemediationJob:
    """A job by its id. Not built yet: raises `UnsupportedError`.

    >>> get_job("x")
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: get_job is not available in this version: remediation is not built yet
    """
    raise unsupported("get_job")
