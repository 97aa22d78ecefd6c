"""Framework mapping files: which rules answer which control of a benchmark."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from ._log import log
from .loading import read_yaml
from .types import _compact

__all__ = [
    "CoverageReport",
    "FrameworkIndex",
    "FrameworkMapping",
    "FrameworkReference",
    "MappingEntry",
    "PlatformConstraint",
    "UnimplementedEntry",
    "build_rule_to_section_map",
    "check_coverage",
    "get_applicable_mappings",
    "load_all_mappings",
    "load_mapping",
    "order_by_framework",
    "order_results_by_section",
    "rules_for_framework",
]

PathLike = Union[str, "os.PathLike[str]"]
R = TypeVar("R")

OPEN = "open"
"""The type of a control that has neither a rule nor a reason."""


@dataclass
class PlatformConstraint:
    """The systems a mapping is for; bounds are inclusive major versions.

    >>> PlatformConstraint("rhel", 9, 9).matches("rhel", 8)
    False
    """

    family: str
    min_version: Optional[int] = None
    max_version: Optional[int] = None

    def matches(self, family: str, version: int) -> bool:
        """Whether a host of this family and major version is meant."""
        return (
            self.family.lower() == family.lower()
            and (self.min_version is None or version >= self.min_version)
            and (self.max_version is None or version <= self.max_version)
        )


@dataclass
class MappingEntry:
    """A control with the rules that answer it. `metadata["rules"]` is always a list of ids.

    >>> MappingEntry("a,b", "T", {"rules": ["a", "b"]}).rules
    ['a', 'b']
    """

    rule_id: str
    title: str = ""
    metadata: Dict[str, Any] = field(default_factory=dict)

    @property
    def rules(self) -> List[str]:
        """The ids of the rules."""
        return list(self.metadata.get("rules", []))


@dataclass
class UnimplementedEntry:
    """A control no rule answers, and why.

    >>> UnimplementedEntry("Separate partitions", reason="site policy").type
    'manual'
    """

    title: str = ""
    reason: str = ""
    type: str = "manual"


@dataclass
class FrameworkMapping:
    """One benchmark: its controls, and the rules that answer them.

    >>> mapping = FrameworkMapping("cis-rhel9-v2.0.0", "cis", "CIS", controls=["1.1"])
    >>> mapping.is_complete, mapping.unaccounted_controls
    (False, ['1.1'])
    """

    id: str
    framework: str
    title: str = ""
    published: Optional[date] = None
    platform: Optional[PlatformConstraint] = None
    controls: List[str] = field(default_factory=list)
    sections: Dict[str, MappingEntry] = field(default_factory=dict)
    unimplemented: Dict[str, UnimplementedEntry] = field(default_factory=dict)

    @property
    def rule_ids(self) -> List[str]:
        """Every rule of the mapping, once each, in the order of the controls."""
        return list(dict.fromkeys(rule for entry in self.sections.values() for rule in entry.rules))

    @property
    def implemented_count(self) -> int:
        """How many controls have a rule."""
        return len(self.sections)

    @property
    def unimplemented_count(self) -> int:
        """How many controls are listed as having none."""
        return len(self.unimplemented)

    @property
    def total_controls(self) -> int:
        """How many controls the benchmark has."""
        return len(self.all_section_ids)

    @property
    def accounted_controls(self) -> int:
        """How many controls are either answered or listed as unanswered."""
        return len(self.sections.keys() | self.unimplemented.keys())

    @property
    def unaccounted_controls(self) -> List[str]:
        """Controls that are neither, in natural order."""
        known = self.sections.keys() | self.unimplemented.keys()
        return sorted((control for control in self.controls if control not in known), key=natural)

    @property
    def is_complete(self) -> bool:
        """Whether every control is accounted for."""
        return not self.unaccounted_controls

    @property
    def all_section_ids(self) -> List[str]:
        """Every control, in natural order."""
        return sorted({*self.controls, *self.sections, *self.unimplemented}, key=natural)


@dataclass
class CoverageReport:
    """How much of a benchmark the available rules answer. Counts are controls.

    >>> CoverageReport("x", total_controls=4, implemented=3, unimplemented=1).coverage_percent
    75.0
    """

    mapping_id: str
    total_controls: int = 0
    implemented: int = 0
    unimplemented: int = 0
    unaccounted: List[str] = field(default_factory=list)
    missing_rules: List[str] = field(default_factory=list)
    sections_without_rules: List[str] = field(default_factory=list)
    in_part: int = 0
    with_reason: int = 0
    open: List[str] = field(default_factory=list)

    @property
    def coverage_percent(self) -> float:
        """Implemented controls in percent of all, cut after the first decimal; 0.0 for an empty benchmark.

        100.0 only when every control is answered in full: `in_part` counts those of which some part is not measured.
        """
        if not self.total_controls:
            return 0.0
        permille = self.implemented * 1000 // self.total_controls
        return (min(permille, 999) if self.in_part else permille) / 10

    def to_dict(self) -> Dict[str, Any]:
        """The report as JSON types in the engine's own shape, which every language shares.

        `open` are the controls without a rule that is there, and without a reason.

        >>> CoverageReport("x", total_controls=1, implemented=1).to_dict()["coverage_percent"]
        100
        """
        percent = self.coverage_percent
        return {
            "mapping_id": self.mapping_id,
            "total_controls": self.total_controls,
            "answered": self.implemented,
            "in_part": self.in_part,
            "with_reason": self.with_reason,
            "open": self.open,
            "missing_rules": self.missing_rules,
            "coverage_percent": int(percent) if percent.is_integer() else percent,
        }

    def to_json(self) -> str:
        """The engine's own JSON on one line, byte for byte the same in every language.

        >>> CoverageReport("x").to_json()[:34]
        '{"mapping_id":"x","total_controls"'
        """
        return _compact(self.to_dict())

    @property
    def is_complete(self) -> bool:
        """Whether every control is accounted for and every rule named is there."""
        return not self.unaccounted and not self.missing_rules


@dataclass(frozen=True)
class FrameworkReference:
    """A control of a mapping that a rule answers.

    >>> FrameworkReference("cis-rhel9-v2.0.0", "cis", "5.1.20", "Disable root login").control
    '5.1.20'
    """

    mapping_id: str
    framework: str
    control: str
    title: str = ""


class FrameworkIndex:
    """Every mapping, by rule and by control.

    >>> entry = MappingEntry("a", "T", {"rules": ["a"]})
    >>> index = FrameworkIndex.build({"m": FrameworkMapping("m", "cis", sections={"1.1": entry})})
    >>> index.query_by_control("1.1"), index.list_controls("m")
    (['a'], ['1.1'])
    """

    def __init__(self) -> None:
        self._by_rule: Dict[str, List[FrameworkReference]] = {}
        self._by_control: Dict[Tuple[str, str], List[str]] = {}

    @classmethod
    def build(cls, mappings: Union[Mapping[str, FrameworkMapping], Iterable[FrameworkMapping]]) -> "FrameworkIndex":
        """The index of `mappings`, a dictionary or a list."""
        index = cls()
        for mapping in mappings.values() if isinstance(mappings, Mapping) else mappings:
            for control, entry in mapping.sections.items():
                index._by_control[(mapping.id, control)] = entry.rules
                reference = FrameworkReference(mapping.id, mapping.framework, control, entry.title)
                for rule in entry.rules:
                    index._by_rule.setdefault(rule, []).append(reference)
        return index

    def query_by_rule(self, rule_id: str) -> List[FrameworkReference]:
        """Every control the rule answers; empty for an unknown rule."""
        return list(self._by_rule.get(rule_id, []))

    def query_by_control(self, control: str, mapping_id: Optional[str] = None) -> List[str]:
        """The rules that answer `control`, of one mapping or of all."""
        found = [
            rule
            for (mapping, section), rules in self._by_control.items()
            if section == control and mapping_id in (None, mapping)
            for rule in rules
        ]
        return list(dict.fromkeys(found))

    def list_controls(self, mapping_id: Optional[str] = None) -> List[str]:
        """Every control that has a rule, of one mapping or of all, in natural order."""
        return sorted({control for mapping, control in self._by_control if mapping_id in (None, mapping)}, key=natural)


def load_mapping(path: PathLike) -> FrameworkMapping:
    """Reads one mapping file.

    Raises `OSError` when it cannot be read and `ValueError` when it is not a mapping; the text names the file.

    >>> load_mapping("/nowhere.yaml")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: '/nowhere.yaml'
    """
    file = Path(path)
    content = read_yaml(file)
    if not isinstance(content, dict) or not content.get("id") or not content.get("framework"):
        raise ValueError(f"{file}: not a mapping file: `id` or `framework` is missing")
    bodies = [content[key] for key in ("sections", "controls", "findings") if isinstance(content.get(key), dict)]
    body: Dict[str, Any] = bodies[0] if bodies else {}
    listed = content.get("control_ids")
    if listed is None and isinstance(content.get("controls"), list):
        listed = content["controls"]
    sections, unimplemented = {}, {}
    for control, item in (content.get("unimplemented") or {}).items():
        unimplemented[str(control)] = _unimplemented(item)
    for control, item in body.items():
        entry = _entry(item, f"{file}: {control}")
        if entry.rules:
            sections[str(control)] = entry
        else:
            reason, kind = entry.metadata.get("reason") or "no rule yet", entry.metadata.get("type") or OPEN
            unimplemented.setdefault(str(control), UnimplementedEntry(entry.title, str(reason), str(kind)))
    controls = [str(control) for control in listed or []]
    return FrameworkMapping(
        id=str(content["id"]),
        framework=str(content["framework"]),
        title=str(content.get("title") or ""),
        published=_date(content.get("published")),
        platform=_platform(content.get("platform")),
        controls=controls or sorted({*sections, *unimplemented}, key=natural),
        sections=sections,
        unimplemented=unimplemented,
    )


def load_all_mappings(mappings_dir: Optional[PathLike] = None) -> Dict[str, FrameworkMapping]:
    """Every mapping in a directory and below, by id. A missing directory gives `{}`; a broken file is logged.

    Without an argument the directory is `get_mappings_path()`.

    >>> load_all_mappings("/nowhere")
    {}
    """
    if mappings_dir is None:
        from .paths import get_mappings_path

        mappings_dir = get_mappings_path()
    mappings: Dict[str, FrameworkMapping] = {}
    root = Path(mappings_dir)
    if not root.is_dir():
        return mappings
    for file in sorted(file for file in root.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file()):
        try:
            mapping = load_mapping(file)
        except (OSError, ValueError) as error:
            log().warning("the mapping file %s is skipped: %s", file, error)
            continue
        if mapping.id in mappings:
            log().warning("the mapping file %s is skipped: the id %r is taken", file, mapping.id)
            continue
        mappings[mapping.id] = mapping
    return mappings


def get_applicable_mappings(
    mappings: Union[Mapping[str, FrameworkMapping], Iterable[FrameworkMapping]], family: str, version: Union[int, str]
) -> List[FrameworkMapping]:
    """The mappings for a host of this family and major version; those without a platform are for every host.

    >>> for_9 = FrameworkMapping("m", "cis", platform=PlatformConstraint("rhel", 9, 9))
    >>> get_applicable_mappings([for_9], "rhel", 8)
    []
    """
    digits = str(version).split(".", 1)[0]
    major = int(digits) if digits.isdigit() else 0
    listed = mappings.values() if isinstance(mappings, Mapping) else mappings
    return [one for one in listed if one.platform is None or one.platform.matches(family, major)]


def build_rule_to_section_map(mapping: FrameworkMapping) -> Dict[str, str]:
    """Rule id to control id; a rule that answers several gets the first in natural order.

    >>> entry = MappingEntry("a", "T", {"rules": ["a"]})
    >>> build_rule_to_section_map(FrameworkMapping("m", "cis", sections={"5.10": entry, "5.2": entry}))
    {'a': '5.2'}
    """
    found: Dict[str, str] = {}
    for control in sorted(mapping.sections, key=natural):
        for rule in mapping.sections[control].rules:
            found.setdefault(rule, control)
    return found


def rules_for_framework(mapping: FrameworkMapping, rules: Iterable[R]) -> List[R]:
    """Those of `rules` that the mapping names, in their own order.

    >>> entry = MappingEntry("a", "T", {"rules": ["a"]})
    >>> rules_for_framework(FrameworkMapping("m", "cis", sections={"1": entry}), [{"id": "a"}, {"id": "b"}])
    [{'id': 'a'}]
    """
    named = set(mapping.rule_ids)
    return [rule for rule in rules if _id_of(rule) in named]


def order_by_framework(mapping: FrameworkMapping, rules: Iterable[R]) -> List[Tuple[str, R]]:
    """Every control with each of its rules, in the natural order of the controls.

    >>> entry = MappingEntry("a", "T", {"rules": ["a"]})
    >>> order_by_framework(FrameworkMapping("m", "cis", sections={"1": entry}), [{"id": "a"}])
    [('1', {'id': 'a'})]
    """
    by_id = {_id_of(rule): rule for rule in rules}
    return [
        (control, by_id[rule])
        for control in sorted(mapping.sections, key=natural)
        for rule in mapping.sections[control].rules
        if rule in by_id
    ]


def order_results_by_section(results: Iterable[R], rule_to_section: Optional[Mapping[str, str]] = None) -> List[R]:
    """`results` in the natural order of their controls (5.2.3 before 5.10.1), those without one last.

    The control is looked up in `rule_to_section`, else it is the result's `framework_section`.

    >>> order_results_by_section([{"id": "a"}, {"id": "b"}], {"a": "5.10.1", "b": "5.2.3"})
    [{'id': 'b'}, {'id': 'a'}]
    """

    def key(result: R) -> Tuple[bool, Sequence[Any]]:
        section = (rule_to_section or {}).get(_id_of(result))
        if section is None and rule_to_section is None:
            section = getattr(result, "framework_section", None)
        return (section is None, natural(section or ""))

    return sorted(results, key=key)


def check_coverage(mapping: FrameworkMapping, available_rule_ids: Iterable[str]) -> CoverageReport:
    """How much of the mapping the available rules answer.

    >>> entry = MappingEntry("a", "T", {"rules": ["a"]})
    >>> mapping = FrameworkMapping("m", "cis", controls=["1", "2"], sections={"1": entry})
    >>> report = check_coverage(mapping, ["a"])
    >>> report.coverage_percent, report.unaccounted
    (50.0, ['2'])
    """
    available = set(available_rule_ids)
    answered = [control for control, entry in mapping.sections.items() if available.intersection(entry.rules)]
    lost = sorted(mapping.sections.keys() - set(answered), key=natural)
    # A control that only some of its rules are there for is not measured as a whole.
    whole = [
        entry
        for entry in map(mapping.sections.__getitem__, answered)
        if not entry.metadata.get("partial") and available.issuperset(entry.rules)
    ]
    unexplained = [control for control, entry in mapping.unimplemented.items() if entry.type == OPEN]
    return CoverageReport(
        mapping_id=mapping.id,
        total_controls=mapping.total_controls,
        implemented=len(answered),
        unimplemented=mapping.unimplemented_count,
        unaccounted=mapping.unaccounted_controls,
        missing_rules=sorted(set(mapping.rule_ids) - available),
        sections_without_rules=lost,
        in_part=len(answered) - len(whole),
        with_reason=mapping.unimplemented_count - len(unexplained),
        open=sorted([*unexplained, *lost, *mapping.unaccounted_controls], key=natural),
    )


def natural(section: str) -> List[Tuple[int, int, str]]:
    """A sort key that reads digits as numbers."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|[^\d.\-_ ()]+", section)]


def _id_of(item: Any) -> str:
    if isinstance(item, Mapping):
        return str(item.get("rule_id") or item.get("id") or "")
    return str(getattr(item, "rule_id", None) or getattr(item, "id", ""))


def _entry(item: Any, place: str) -> MappingEntry:
    if isinstance(item, (str, list)):
        item = {"rules": item}
    if not isinstance(item, dict):
        raise ValueError(f"{place}: not a mapping")
    given = item.get("rules", item.get("rule"))
    rules = [given] if isinstance(given, str) else [str(one) for one in given or []]
    metadata = {key: value for key, value in item.items() if key not in ("title", "rule")}
    metadata["rules"] = rules
    for key in ("level", "type", "severity"):
        if metadata.get(key) is not None:
            metadata[key] = str(metadata[key])
    return MappingEntry(rule_id=",".join(rules), title=str(item.get("title") or "")[:500], metadata=metadata)


def _unimplemented(item: Any) -> UnimplementedEntry:
    if not isinstance(item, dict):
        return UnimplementedEntry(reason=str(item or ""))
    return UnimplementedEntry(
        title=str(item.get("title") or "")[:500],
        reason=str(item.get("reason") or ""),
        type=str(item.get("type") or "manual"),
    )


def _date(value: Any) -> Optional[date]:
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def _platform(value: Any) -> Optional[PlatformConstraint]:
    if not isinstance(value, dict) or not value.get("family"):
        return None

    def bound(key: str) -> Optional[int]:
        digits = str(value.get(key) or value.get("version") or "").split(".", 1)[0]
        return int(digits) if digits.isdigit() else None

    return PlatformConstraint(str(value["family"]), bound("min_version"), bound("max_version"))
