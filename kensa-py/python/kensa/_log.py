"""The package's logger, and the way of the engine's own events to it.

`logging` is imported when there is something to say. Nothing is printed where a program set up no logging.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    import logging

_LEVELS = (5, 10, 20, 30, 40)
_wanted = 30


def log() -> "logging.Logger":
    import logging

    logger = logging.getLogger("kensa")
    if not logger.handlers:
        # Else the last resort of `logging` would write warnings to standard error.
        logger.addHandler(logging.NullHandler())
    return logger


def follow() -> None:
    """Tells the engine which of its events the logger wants now. Those it does not want cost nothing."""
    global _wanted
    wanted = 30
    # A program that never imported `logging` cannot have asked for more.
    if "logging" in sys.modules:
        logger = log()
        wanted = next((level for level in _LEVELS if logger.isEnabledFor(level)), 50)
    if wanted != _wanted:
        _wanted = wanted
        _native.log_level(wanted)


def pass_on() -> None:
    """Hands what the engine said since the last call to the logger, on the calling thread."""
    said = _native.take_log()
    if not said:
        return
    logger = log()
    for level, at, file, line, text in said:
        if logger.isEnabledFor(level):
            record = logger.makeRecord(logger.name, level, file, line, text, (), None)
            record.created, record.msecs = at, (at % 1) * 1000
            logger.handle(record)
