"""What rules say about each other: order, circles, conflicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Generic, Iterable, List, Mapping, Set, Tuple, TypeVar

__all__ = ["RuleOrder", "find_conflicts", "order_rules"]

R = TypeVar("R", bound=Mapping[str, Any])


@dataclass
class RuleOrder(Generic[R]):
    """Rules in an order in which each comes after those it depends on.

    `cycles` holds the ids of rules that depend on each other in a circle; those rules are not in `rules`, and
    neither are rules that depend on them. A scan skips them.

    >>> RuleOrder([{"id": "a"}]).cycles
    []
    """

    rules: List[R] = field(default_factory=list)
    cycles: List[List[str]] = field(default_factory=list)


def order_rules(rules: Iterable[R]) -> RuleOrder[R]:
    """`rules` ordered by `depends_on`, otherwise as they are given. Dependencies that are not among them do not count.

    >>> order = order_rules([{"id": "b", "depends_on": ["a"]}, {"id": "a"}])
    >>> [rule["id"] for rule in order.rules], order.cycles
    (['a', 'b'], [])
    >>> order_rules([{"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["a"]}]).cycles
    [['a', 'b']]
    """
    by_id: Dict[str, R] = {}
    for rule in rules:
        by_id.setdefault(_id(rule), rule)
    waits = {name: [one for one in _names(rule, "depends_on") if one in by_id] for name, rule in by_id.items()}
    cycles = _circles(waits)
    stuck: Set[str] = {name for cycle in cycles for name in cycle}
    done: Dict[str, bool] = {}

    def place(name: str) -> bool:
        """Puts a rule after what it depends on; whether that can be."""
        path = [(name, iter(waits[name]))]
        while path:
            at, left = path[-1]
            needed = next((one for one in left if one not in done and one not in stuck), None)
            if needed is not None:
                path.append((needed, iter(waits[needed])))
                continue
            path.pop()
            done[at] = at not in stuck and all(done.get(one, False) for one in waits[at])
        return done[name]

    for name in by_id:
        if name not in done and name not in stuck:
            place(name)
    return RuleOrder([by_id[name] for name, fits in done.items() if fits], cycles)


def find_conflicts(rules: Iterable[Mapping[str, Any]]) -> List[Tuple[str, str]]:
    """The pairs of rules among these that cannot both be met, by `conflicts_with`; each pair once.

    >>> find_conflicts([{"id": "a", "conflicts_with": ["b", "z"]}, {"id": "b", "conflicts_with": ["a"]}])
    [('a', 'b')]
    """
    listed = list(rules)
    known = {_id(rule) for rule in listed}
    pairs: Dict[Tuple[str, str], None] = {}
    for rule in listed:
        for other in _names(rule, "conflicts_with"):
            if other in known and other != _id(rule) and (other, _id(rule)) not in pairs:
                pairs[(_id(rule), other)] = None
    return list(pairs)


def _circles(waits: Mapping[str, List[str]]) -> List[List[str]]:
    """The groups of rules that wait for each other, by Tarjan's algorithm without recursion."""
    found: List[List[str]] = []
    number: Dict[str, int] = {}
    low: Dict[str, int] = {}
    stack: List[str] = []
    for start in waits:
        if start in number:
            continue
        path = [(start, iter(waits[start]))]
        number[start] = low[start] = len(number)
        stack.append(start)
        while path:
            at, left = path[-1]
            step = next(left, None)
            if step is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[at])
                if low[at] == number[at]:
                    group = stack[stack.index(at) :]
                    del stack[-len(group) :]
                    if len(group) > 1 or at in waits[at]:
                        found.append(group)
            elif step not in number:
                number[step] = low[step] = len(number)
                stack.append(step)
                path.append((step, iter(waits[step])))
            elif step in stack:
                low[at] = min(low[at], number[step])
    return found


def _id(rule: Mapping[str, Any]) -> str:
    return str(rule.get("id") or "")


def _names(rule: Mapping[str, Any], key: str) -> List[str]:
    given = rule.get(key) or []
    return [given] if isinstance(given, str) else [str(one) for one in given]
