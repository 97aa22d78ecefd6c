"""The console script `kensa`."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line with the arguments of the process and ends it with the exit code."""
    from . import _native

    sys.exit(_native.cli(sys.argv))
