"""What is wrong with rule files."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Union

from . import _native
from .errors import RuleLoadError
from .types import _compact

__all__ = ["Diagnostic", "validate_rules"]

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Diagnostic:
    """One problem of a rule file, and where it is.

    `severity` is `error` or `warning`, `code` a stable name in kebab-case. `line` and `column` count from 1, columns in
    characters; they are 0 where the file as a whole is meant. `help` says what to do about it.

    >>> str(Diagnostic("error", "unknown-key", "rules/x.yml", 7, 1, 4, "a rule has no key `titel`"))
    'rules/x.yml:7:1: a rule has no key `titel`'
    """

    severity: str
    code: str
    path: str
    line: int = 0
    column: int = 0
    length: int = 0
    message: str = ""
    source_line: str = ""
    help: Optional[str] = None

    @property
    def is_error(self) -> bool:
        """Whether the file does not load because of it."""
        return self.severity == "error"

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.path}{place}: {self.message}" + (f" ({self.help})" if self.help else "")

    def to_dict(self) -> Dict[str, Any]:
        """The fields as JSON types in the engine's own shape, which every language shares.

        >>> "help" in Diagnostic("error", "not-utf-8", "rules/x.yml").to_dict()
        False
        """
        fields = dict(vars(self))
        if self.help is None:
            del fields["help"]
        return fields

    def to_json(self) -> str:
        """The engine's own JSON on one line, byte for byte the same in every language.

        >>> Diagnostic("error", "not-utf-8", "x.yml").to_json()[:38]
        '{"severity":"error","code":"not-utf-8"'
        """
        return _compact(self.to_dict())


def validate_rules(path: PathLike, *, strict: bool = False) -> List[Diagnostic]:
    """Everything that is wrong with the rules at `path`, a file or a directory, in the order of files and lines.

    With `strict` most warnings are errors. Raises `FileNotFoundError` for a missing path and `RuleLoadError` where
    there is no rule at all.

    >>> from kensa import get_rules_path
    >>> validate_rules(get_rules_path(), strict=True)
    []
    """
    code, text = _native.validate(os.fspath(path), strict)
    if code == "not_found":
        raise FileNotFoundError(text)
    if code is not None:
        raise RuleLoadError(text, path=os.fspath(path))
    return [Diagnostic(**found) for found in json.loads(text)]
