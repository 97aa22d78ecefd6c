"""The engine's calls and types under one name."""

from __future__ import annotations

from .config import RuleConfig, load_config, parse_var_overrides, resolve_variables
from .loading import load_rules, rule_applies_to_platform
from .orchestration import (
    check_rules_from_path,
    check_single_rule,
    evaluate_rule,
    quick_host_info,
    remediate_rule,
    rollback_from_stored,
    scan,
)
from .rule import Rule
from .selection import evaluate_when, select_implementation
from .types import (
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
    "Rule",
    "RuleConfig",
    "RuleResult",
    "StepResult",
    "check_rules_from_path",
    "check_single_rule",
    "evaluate_rule",
    "evaluate_when",
    "load_config",
    "load_rules",
    "parse_var_overrides",
    "quick_host_info",
    "remediate_rule",
    "resolve_variables",
    "rollback_from_stored",
    "rule_applies_to_platform",
    "scan",
    "select_implementation",
]
