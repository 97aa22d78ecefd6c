"""Rule files. See `kensa.loading`."""

from kensa.loading import (
    Rule,
    load_config,
    load_rules,
    rule_applies_to_platform,
)

__all__ = [
    "Rule",
    "load_config",
    "load_rules",
    "rule_applies_to_platform",
]
