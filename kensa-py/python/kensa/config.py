"""Site values: the defaults of a rule directory, and putting them into a rule."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Union

from ._log import log
from .errors import VariableError
from .rule import TEMPLATE, Rule

__all__ = ["RuleConfig", "Variable", "list_variables", "load_config", "parse_var_overrides", "resolve_variables"]

PathLike = Union[str, "os.PathLike[str]"]

_SHELL_TEXT = ("run", "cmd", "observed_command", "unless", "command")
_SAFE_IN_SHELL = frozenset(" \t.,:_@%+/=-")


@dataclass
class RuleConfig:
    """The values variables have in a rule directory, and those a framework sets instead.

    >>> RuleConfig(variables={"umask": "027"}).variables["umask"]
    '027'
    """

    variables: Dict[str, Any] = field(default_factory=dict)
    framework_overrides: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    local_variables: Dict[str, Any] = field(default_factory=dict)
    local_overrides: Dict[str, Dict[str, Any]] = field(default_factory=dict)

    def values(self, framework: Optional[str] = None) -> Dict[str, Any]:
        """Every variable's value, for a framework or in general. Later tiers win: defaults, framework, `rules.d`.

        >>> RuleConfig({"a": 1}, {"cis": {"a": 2}}).values("cis-rhel9-v2.0.0")
        {'a': 2}
        """
        merged = {**self.variables, **_section(self.framework_overrides, framework)}
        return {**merged, **self.local_variables, **_section(self.local_overrides, framework)}


def load_config(rules_path: Optional[PathLike] = None) -> RuleConfig:
    """The values in `defaults.yml` and `rules.d/*.yml` of a rule directory; missing files give none.

    Without `defaults.yml` in the directory, `../config/defaults.yml` is read. `rules_path` may be a file in
    the directory. A file that is not valid is logged and skipped.

    >>> isinstance(load_config().variables, dict)
    True
    """
    if rules_path is None:
        from .paths import get_rules_path

        rules_path = get_rules_path()
    root = Path(rules_path)
    if not root.is_dir():
        root = root.parent
    config = RuleConfig()
    for candidate in (root / "defaults.yml", root.parent / "config" / "defaults.yml"):
        if candidate.is_file():
            _merge(candidate, config.variables, config.framework_overrides)
            break
    local = root / "rules.d"
    for file in sorted([*local.glob("*.yml"), *local.glob("*.yaml")]) if local.is_dir() else []:
        _merge(file, config.local_variables, config.local_overrides)
    return config


@dataclass
class Variable:
    """A variable of a rule set. `default` is what rules get unless a framework, a site or a scan sets another value.

    `type` is `integer`, `boolean`, `string` or `list`, or `None` where anything goes; `minimum` and `maximum` are
    inclusive. A `sensitive` one never shows its value, so `default` is `None`; a `required` one has to be set by the
    site. `rule_ids` are the rules that use it.

    >>> Variable("umask", default="027").required
    False
    """

    name: str
    default: Any = None
    type: Optional[str] = None
    minimum: Optional[int] = None
    maximum: Optional[int] = None
    sensitive: bool = False
    required: bool = False
    description: str = ""
    rule_ids: List[str] = field(default_factory=list)


def list_variables(rules_path: Optional[PathLike] = None) -> List[Variable]:
    """Every variable of a rule set that is declared, set or used, by name. Values of `rules.d` are in force.

    Raises `FileNotFoundError` for a missing path and `RuleLoadError` where the variables do not load.

    >>> [one.default for one in list_variables() if one.name == "ssh_max_auth_tries"]
    [4]
    """
    from . import _corpus
    from .paths import get_rules_path

    corpus = _corpus.load(Path(rules_path) if rules_path is not None else get_rules_path())
    listed = [] if corpus is None else corpus.variables()
    return [
        Variable(
            name=one["name"],
            default=None if one["value"] is None else json.loads(one["value"]),
            type=one["kind"],
            minimum=one["min"],
            maximum=one["max"],
            sensitive=one["sensitive"],
            required=one["required"],
            description=one["description"],
            rule_ids=one["rules"],
        )
        for one in listed
    ]


def parse_var_overrides(pairs: Union[str, Iterable[str], Mapping[str, Any], None]) -> Dict[str, Any]:
    """`NAME=VALUE` texts as a dictionary. Raises `ValueError` for a text without a name.

    >>> parse_var_overrides(["umask=027", "banner=a=b"])
    {'umask': '027', 'banner': 'a=b'}
    """
    if pairs is None:
        return {}
    if isinstance(pairs, Mapping):
        return dict(pairs)
    overrides = {}
    for pair in [pairs] if isinstance(pairs, str) else pairs:
        name, equals, value = pair.partition("=")
        if not equals or not TEMPLATE.fullmatch("{{" + name.strip() + "}}"):
            raise VariableError(f"{pair!r} is not NAME=VALUE")
        overrides[name.strip()] = value
    return overrides


def resolve_variables(
    rule: Mapping[str, Any],
    config: RuleConfig,
    *,
    framework: Optional[str] = None,
    cli_overrides: Optional[Mapping[str, Any]] = None,
    strict: bool = True,
) -> Rule:
    """A new rule with `{{ name }}` replaced by values; the rule given is unchanged.

    Highest first: `cli_overrides`, `rules.d`, the framework's section, defaults. Raises `VariableError` (a
    `ValueError`) for a variable without a value or a value that could become shell syntax; without `strict`
    such a template stays as it is written, and the rule ends in an error when it is evaluated.

    >>> rule = Rule({"id": "x", "check": {"method": "m", "expected": "{{ limit }}"}})
    >>> resolve_variables(rule, RuleConfig({"limit": 5})).check
    {'method': 'm', 'expected': 5}
    """
    values = {**config.values(framework), **(cli_overrides or {})}
    resolver = _Resolver(values, strict)
    resolved = Rule({key: item if key in _TEXTS else resolver.resolve(item) for key, item in rule.items()})
    resolved.path = getattr(rule, "path", None)
    if strict and resolver.problems:
        name = rule.get("id", "rule")
        raise VariableError(f"{name}: " + "; ".join(dict.fromkeys(resolver.problems)))
    return resolved


_TEXTS = ("id", "title", "description", "rationale", "references", "framework_refs", "frameworks", "tags", "variables")


class _Resolver:
    def __init__(self, values: Mapping[str, Any], strict: bool) -> None:
        self.values = values
        self.strict = strict
        self.problems: List[str] = []

    def resolve(self, item: Any, parameter: str = "") -> Any:
        if isinstance(item, str):
            return self.text(item, parameter)
        if isinstance(item, Mapping):
            return {key: self.resolve(value, str(key)) for key, value in item.items()}
        if isinstance(item, (list, tuple)):
            return [self.resolve(value, parameter) for value in item]
        return item

    def text(self, text: str, parameter: str) -> Any:
        if "{{" not in text:
            return text
        shell = parameter in _SHELL_TEXT
        whole = TEMPLATE.fullmatch(text.strip())
        if whole and not shell and isinstance(self.values.get(whole.group(1)), (bool, int)):
            return self.values[whole.group(1)]

        def fill(match: "Any") -> str:
            name = match.group(1)
            if name not in self.values:
                self.problems.append(f"variable {name!r} is defined nowhere")
                return str(match.group(0))
            value = _as_text(self.values[name])
            if shell and not all((c.isascii() and c.isalnum()) or c in _SAFE_IN_SHELL for c in value):
                self.problems.append(f"the value of {name!r} may not stand in shell text ({parameter})")
                return str(match.group(0))
            return value

        return TEMPLATE.sub(fill, text)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_as_text(item) for item in value)
    return "" if value is None else str(value)


def _section(sections: Mapping[str, Dict[str, Any]], framework: Optional[str]) -> Dict[str, Any]:
    """The section whose name is the longest leading part of `framework`."""
    if not framework:
        return {}
    wanted = _normal(framework)
    fitting = [name for name in sections if wanted == _normal(name) or wanted.startswith(_normal(name) + "_")]
    return sections[max(fitting, key=len)] if fitting else {}


def _normal(name: str) -> str:
    return name.lower().replace("-", "_")


def _merge(file: Path, variables: Dict[str, Any], overrides: Dict[str, Dict[str, Any]]) -> None:
    from .loading import read_yaml

    try:
        content = read_yaml(file)
        if content is None:
            return
        if not isinstance(content, dict):
            raise ValueError(f"{file}: not a mapping")
    except (OSError, ValueError) as error:
        log().warning("%s is skipped: %s", file, error)
        return
    variables.update((name, _default(item)) for name, item in (content.get("variables") or {}).items())
    for framework, values in (content.get("frameworks") or {}).items():
        if isinstance(values, dict):
            overrides.setdefault(framework, {}).update((name, _default(item)) for name, item in values.items())


def _default(item: Any) -> Any:
    """A variable's value: as written, or the `default` of a declaration."""
    return item.get("default") if isinstance(item, dict) else item
