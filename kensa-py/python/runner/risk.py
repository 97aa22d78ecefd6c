"""Risk of remediation steps. See `kensa.risk`."""

from kensa.risk import (
    RISK_LEVELS,
    classify_step_risk,
    max_risk,
)

__all__ = [
    "RISK_LEVELS",
    "classify_step_risk",
    "max_risk",
]
