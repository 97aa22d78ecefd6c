"""The package's logger. `logging` is imported when there is something to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def log() -> "logging.Logger":
    import logging

    return logging.getLogger("kensa")
