"""Rule files as `Rule` objects: dictionaries of the YAML content that also answer as attributes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set, Union, cast

from . import _corpus, _native
from ._log import log
from .config import RuleConfig, load_config, resolve_variables
from .rule import Rule, derive

__all__ = ["Rule", "RuleConfig", "load_config", "load_rules", "resolve_variables", "rule_applies_to_platform",
           "validate_rule"]  # fmt: skip

PathLike = Union[str, "os.PathLike[str]"]
OneOrMany = Union[str, Iterable[str], None]


def load_rules(
    path: Optional[PathLike] = None,
    *,
    severity: OneOrMany = None,
    tags: OneOrMany = None,
    category: OneOrMany = None,
    rule_ids: OneOrMany = None,
    strict: bool = False,
) -> List[Rule]:
    """The rules in a file or a directory tree, in the order of their paths.

    Filters are case-insensitive and take one word or several; an empty one lets everything through. Files
    without an `id` are ignored. A file that
    does not load is skipped and logged; with `strict` it raises. Of two rules with one id the first counts.

    Raises `FileNotFoundError` for a path that does not exist and `RuleLoadError` under `strict`.

    >>> rules = load_rules(severity=["critical", "high"])
    >>> all(rule["severity"] in ("critical", "high") for rule in rules)
    True
    """
    root = _root(path)
    corpus = _corpus.load(root, strict)
    if corpus is None:
        return []
    rules = []
    for rule_id, file, *_ in select(corpus, severity, category, tags, rule_ids).rules():
        content = read_yaml(Path(file)) if file is not None else None
        if isinstance(content, dict) and content.get("id") == rule_id:
            rules.append(derive(cast(Dict[str, Any], content), path=file))
    return rules


def validate_rule(rule: Mapping[str, Any]) -> List[str]:
    """What is wrong with a rule that is not saved yet, one sentence each; empty when the engine accepts it.

    >>> rule = {
    ...     "id": "x", "title": "T", "description": "D", "rationale": "R", "severity": "low", "category": "c",
    ...     "implementations": [{"default": True, "check": {"method": "file_exist", "path": "/etc/passwd"}}],
    ... }
    >>> problem, = validate_rule(rule)
    >>> "did you mean `file_exists`" in problem
    True
    """
    return _corpus.of_rule(rule)[1]


def rule_applies_to_platform(rule: Mapping[str, Any], family: str, version: Union[int, str]) -> bool:
    """Whether a rule is for hosts of this family and major version.

    `family` is as `PlatformInfo.family` reports it: `rhel` for RHEL and its rebuilds.

    >>> rule_applies_to_platform({"platforms": [{"family": "rhel", "min_version": 9}]}, "rhel", 8)
    False
    >>> rule_applies_to_platform({"platforms": []}, "debian", 12)
    True
    """
    platforms = rule.get("platforms") or []
    if not platforms:
        return True
    major = _major(version)
    return any(_fits(entry, family.lower(), major) for entry in platforms if isinstance(entry, Mapping))


def _fits(entry: Mapping[str, Any], family: str, major: int) -> bool:
    named = str(entry.get("family", "")).lower()
    if named != family and not {named, family} <= {"rhel", "redhat"}:
        return False
    low, high = entry.get("min_version"), entry.get("max_version")
    if major and low not in (None, 0, "") and major < _major(low):
        return False
    return not (major and high not in (None, 0, "") and major > _major(high))


def _major(version: Any) -> int:
    digits = str(version).split(".", 1)[0]
    return int(digits) if digits.isdigit() else 0


def words(given: OneOrMany) -> Optional[Set[str]]:
    """A filter as lower-case words; `None` lets everything through."""
    if given is None:
        return None
    if isinstance(given, str):
        return {given.lower()}
    return {str(word).lower() for word in given}


def _root(path: Optional[PathLike]) -> Path:
    if path is None:
        from .paths import get_rules_path

        path = get_rules_path()
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"there are no rules at {root}: no such file or directory")
    return root


def read_yaml(file: Path) -> Any:
    """The content of a YAML file as JSON types. Raises `ValueError` with the place of the mistake."""
    import json

    text, problems = _native.yaml_to_json(str(file), file.read_bytes())
    if text is None:
        raise ValueError("; ".join(problems) or f"{file}: not valid")
    return json.loads(text)


def select(
    corpus: _native.Corpus, severity: OneOrMany, category: OneOrMany, tags: OneOrMany, rule_ids: OneOrMany
) -> _native.Corpus:
    """The rules that pass the filters. An empty filter lets everything through, but no ids are no rules."""
    ids = words(rule_ids)
    filters = (words(severity) or None, words(category) or None, words(tags) or None, ids)
    if filters == (None, None, None, None):
        return corpus
    selected, unknown = corpus.select(*filters)
    if unknown:
        log().warning("no rule has the id %s", ", ".join(unknown))
    return selected
