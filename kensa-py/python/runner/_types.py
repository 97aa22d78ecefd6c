"""Result types. See `kensa.types`."""

from kensa.types import (
    CheckResult,
    Evidence,
    EvidenceList,
    PreState,
    RemediationResult,
    RollbackResult,
    RuleResult,
    StepResult,
)

__all__ = [
    "CheckResult",
    "Evidence",
    "EvidenceList",
    "PreState",
    "RemediationResult",
    "RollbackResult",
    "RuleResult",
    "StepResult",
]
