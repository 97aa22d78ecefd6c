"""Site values. See `kensa.config`."""

from kensa.config import (
    RuleConfig,
    load_config,
    parse_var_overrides,
    resolve_variables,
)

__all__ = [
    "RuleConfig",
    "load_config",
    "parse_var_overrides",
    "resolve_variables",
]
