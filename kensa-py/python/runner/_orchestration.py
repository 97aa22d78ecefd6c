"""Checks and changes. See `kensa.orchestration`."""

from kensa.orchestration import (
    check_rules_from_path,
    check_single_rule,
    evaluate_rule,
    quick_host_info,
    remediate_rule,
    rollback_from_stored,
)

__all__ = [
    "check_rules_from_path",
    "check_single_rule",
    "evaluate_rule",
    "quick_host_info",
    "remediate_rule",
    "rollback_from_stored",
]
