"""Loading rules into the engine."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from . import _native
from ._log import log
from .errors import RuleLoadError, VariableError
from .paths import named_mappings
from .rule import source_of


_Key = Tuple[str, bool, Optional[str]]
_kept: "OrderedDict[_Key, Tuple[Tuple[int, ...], _native.Corpus]]" = OrderedDict()
_KEPT = 8
_lock = threading.Lock()


def _new_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    # Another thread of the parent may have held it.
    os.register_at_fork(after_in_child=_new_lock)


def _load(root: Path, strict: bool) -> Tuple[Optional[str], str, Optional[_native.Corpus]]:
    """The rules at `root`, from memory when no file has changed since."""
    mappings = named_mappings()
    key = (os.path.abspath(root), strict, mappings)
    with _lock:
        # Taken before the files are read: a change in between is then seen next time.
        now = tuple(_native.fingerprint(path) for path in (key[0], mappings) if path is not None)
        then, corpus = _kept.get(key, (None, None))
        if corpus is not None and then == now:
            _kept.move_to_end(key)
            return None, "", corpus
        code, message, corpus = _native.load(str(root), strict, mappings)
        if corpus is not None:
            _kept[key] = (now, corpus)
            while len(_kept) > _KEPT:
                _kept.popitem(last=False)
        return code, message, corpus


def load(root: Path, strict: bool = False) -> Optional[_native.Corpus]:
    """The rules at `root`; `None` when there are none. What is wrong is logged, or raised under `strict`."""
    code, message, corpus = _load(root, strict)
    if corpus is None:
        if code == "no_rules":
            return None
        if code == "not_found":
            raise FileNotFoundError(message)
        if code == "invalid_override":
            raise VariableError(message)
        if code == "invalid" and not strict and _only_broken_rules(root):
            log().warning("%s", message)
            return None
        raise RuleLoadError(message, path=_path_in(message, root))
    for is_error, path, line in corpus.diagnostics():
        if is_error:
            log().warning("the rule file %s is skipped: %s", path, line)
        else:
            log().debug("%s", line)
    return corpus


def _only_broken_rules(root: Path) -> bool:
    """Whether the files of variables are fine, so that nothing but rules can be wrong."""
    code, _ = _native.load_variables(str(root))
    return code is None


def _path_in(message: str, root: Path) -> str:
    path = message.split(":", 1)[0]
    return path if path.endswith((".yml", ".yaml")) else str(root)


def of_rule(rule: Mapping[str, Any]) -> Tuple[Optional[_native.Corpus], List[str]]:
    """The engine's form of a rule given as a dictionary, and what is wrong with it."""
    if not isinstance(rule, Mapping):
        raise TypeError(f"rule is a Rule or a dictionary, not {type(rule).__name__}")
    try:
        # JSON is YAML; every text is quoted, so nothing is read as another type.
        text = json.dumps(source_of(rule), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        return None, [f"the rule cannot be written as JSON: {error}"]
    corpus, problems = _native.load_text(text)
    return (None, problems or ["it is no rule"]) if corpus is None or len(corpus) == 0 else (corpus, problems)
