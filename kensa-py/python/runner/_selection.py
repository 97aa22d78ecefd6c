"""Choice of an implementation. See `kensa.selection`."""

from kensa.selection import (
    evaluate_when,
    select_implementation,
)

__all__ = [
    "evaluate_when",
    "select_implementation",
]
