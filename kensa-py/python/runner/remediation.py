"""The asynchronous job API. See `kensa.remediation`."""

from kensa.remediation import (
    RemediationJob,
    RollbackSummary,
    get_job,
    remediate_rule,
    rollback_remediation,
)

__all__ = [
    "RemediationJob",
    "RollbackSummary",
    "get_job",
    "remediate_rule",
    "rollback_remediation",
]
