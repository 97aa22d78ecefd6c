"""Inventory files to hosts: INI, YAML and plain lists."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, Union

__all__ = ["HostInfo", "resolve_targets"]

PathLike = Union[str, "os.PathLike[str]"]


@dataclass
class HostInfo:
    """A host of an inventory and how to log in there.

    >>> HostInfo("web-1").port
    22
    """

    hostname: str
    port: int = 22
    user: Optional[str] = None
    key_path: Optional[str] = None
    groups: List[str] = field(default_factory=list)


def resolve_targets(
    *,
    host: Union[str, Iterable[str], None] = None,
    inventory: Optional[PathLike] = None,
    limit: Optional[str] = None,
    default_user: Optional[str] = None,
    default_key: Optional[PathLike] = None,
    default_port: int = 22,
) -> List[HostInfo]:
    """The hosts that `host` and `inventory` name, once each, in their order.

    `host` is `[user@]name[:port]`, several separated by commas or in a list. An inventory file is INI
    (`[group]`, `[group:children]`, `[group:vars]`, `ansible_host=` …), YAML (`all: {hosts:, children:}`) or a
    list with one host a line; `web[01:03]` names three. `limit` keeps the hosts whose name or group matches
    one of its comma-separated patterns; one that begins with `!` takes hosts away.

    Raises `OSError` when the file cannot be read and `ValueError` when it is not an inventory.

    >>> [(one.user, one.hostname, one.port) for one in resolve_targets(host="root@web-1:2222,db-1")]
    [('root', 'web-1', 2222), (None, 'db-1', 22)]
    """
    found: Dict[str, HostInfo] = {}
    listed = host.split(",") if isinstance(host, str) else list(host or [])
    for text in listed:
        if text.strip():
            one = host_of(text.strip())
            found.setdefault(one.hostname, one)
    if inventory is not None:
        for name, one in _read(Path(inventory)).items():
            found.setdefault(name, one)
    kept = {name: one for name, one in found.items() if _kept(name, one, limit)}
    for one in kept.values():
        one.user = one.user or default_user
        one.key_path = one.key_path or (os.fspath(default_key) if default_key is not None else None)
        one.port = one.port or default_port
    return list(kept.values())


def host_of(text: str) -> HostInfo:
    user, at, rest = text.rpartition("@")
    name, port = _split_port(rest)
    return HostInfo(name, port, user if at else None)


def _split_port(text: str) -> Tuple[str, int]:
    """Host and port; 0 for none. An IPv6 address with a port stands in brackets."""
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", text)
    if bracketed and ":" in bracketed.group(1) and not re.fullmatch(r"\w+:\w+(:\d+)?", bracketed.group(1)):
        return bracketed.group(1), _port(bracketed.group(2) or "0", text)
    if text.count(":") == 1:
        name, _, port = text.partition(":")
        return name, _port(port, text)
    return text, 0


def _port(text: str, place: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise ValueError(f"{place!r}: {text!r} is not a port")
    return int(text)


def _kept(name: str, one: HostInfo, limit: Optional[str]) -> bool:
    patterns = [part.strip() for part in re.split(r"[,:]", limit or "") if part.strip()]
    if not patterns:
        return True

    def hit(pattern: str) -> bool:
        return any(fnmatch.fnmatchcase(word, pattern) for word in (name, one.hostname, "all", *one.groups))

    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    return (not wanted or any(map(hit, wanted))) and not any(hit(p[1:]) for p in patterns if p.startswith("!"))


class _Inventory:
    """Hosts, groups, and the variables of both, before they are put together."""

    def __init__(self) -> None:
        self.hosts: Dict[str, Dict[str, Any]] = {}
        self.members: Dict[str, List[str]] = {}
        self.children: Dict[str, List[str]] = {}
        self.variables: Dict[str, Dict[str, Any]] = {}

    def add(self, pattern: str, variables: Dict[str, Any], group: Optional[str]) -> None:
        for name in _expand(pattern):
            self.hosts.setdefault(name, {}).update(variables)
            if group is not None:
                self.members.setdefault(group, []).append(name)

    def result(self) -> Dict[str, HostInfo]:
        parents: Dict[str, List[str]] = {}
        for group, children in self.children.items():
            for child in children:
                parents.setdefault(child, []).append(group)
        infos = {}
        for name, own in self.hosts.items():
            direct = [group for group, members in self.members.items() if name in members]
            groups = list(dict.fromkeys(_upwards(direct, parents)))
            merged: Dict[str, Any] = dict(self.variables.get("all", {}))
            for group in reversed(groups):
                merged.update(self.variables.get(group, {}))
            infos[name] = _info(name, {**merged, **own}, [group for group in groups if group != "all"])
        return infos


def _upwards(groups: List[str], parents: Dict[str, List[str]]) -> Iterator[str]:
    """The groups and all that contain them, nearest first."""
    waiting, seen = list(groups), set()
    while waiting:
        group = waiting.pop(0)
        if group not in seen:
            seen.add(group)
            yield group
            waiting.extend(parents.get(group, []))


def _info(name: str, variables: Dict[str, Any], groups: List[str]) -> HostInfo:
    def first(*keys: str) -> Optional[str]:
        return next((str(variables[key]) for key in keys if variables.get(key) not in (None, "")), None)

    given = host_of(name)
    return HostInfo(
        hostname=first("ansible_host", "hostname", "host") or given.hostname,
        port=_port(first("ansible_port", "port") or str(given.port), name),
        user=first("ansible_user", "ansible_ssh_user", "user") or given.user,
        key_path=first("ansible_ssh_private_key_file", "ansible_private_key_file", "key_path", "key"),
        groups=groups,
    )


def _expand(pattern: str) -> Iterator[str]:
    """`web[01:03]` → `web01 web02 web03`; `db-[a:c]` → `db-a db-b db-c`."""
    match = re.search(r"\[(\w+):(\w+)\]", pattern)
    if not match or (match.start() == 0 and match.end() == len(pattern)):
        yield pattern
        return
    low, high = match.groups()
    if low.isdigit() and high.isdigit():
        items = [str(number).zfill(len(low)) for number in range(int(low), int(high) + 1)]
    elif len(low) == len(high) == 1:
        items = [chr(code) for code in range(ord(low), ord(high) + 1)]
    else:
        yield pattern
        return
    if len(items) > 65536:
        raise ValueError(f"{pattern!r} names more than 65536 hosts")
    for item in items:
        yield from _expand(pattern[: match.start()] + item + pattern[match.end() :])


def _read(file: Path) -> Dict[str, HostInfo]:
    text = file.read_text(encoding="utf-8")
    inventory = _Inventory()
    if file.suffix in (".yml", ".yaml") or re.match(r"\s*(#.*\n\s*)*(---|\w[\w-]*:\s*(#.*)?$)", text, re.M):
        _read_yaml(file, inventory)
    else:
        _read_lines(file, text, inventory)
    return inventory.result()


def _read_yaml(file: Path, inventory: _Inventory) -> None:
    from .loading import read_yaml

    content = read_yaml(file)
    if isinstance(content, list):
        for item in content:
            inventory.add(str(item), {}, None)
        return
    if not isinstance(content, dict):
        raise ValueError(f"{file}: not an inventory")
    for group, body in content.items():
        _read_group(str(group), body, inventory)


def _read_group(group: str, body: Any, inventory: _Inventory) -> None:
    body = body or {}
    if not isinstance(body, dict):
        raise ValueError(f"the group {group!r} is not a mapping")
    inventory.variables.setdefault(group, {}).update(body.get("vars") or {})
    hosts = body.get("hosts") or {}
    for name, variables in hosts.items() if isinstance(hosts, dict) else ((str(one), None) for one in hosts):
        inventory.add(str(name), variables or {}, group)
    for child, child_body in (body.get("children") or {}).items():
        inventory.children.setdefault(group, []).append(str(child))
        _read_group(str(child), child_body, inventory)


def _read_lines(file: Path, text: str, inventory: _Inventory) -> None:
    group: Optional[str] = None
    kind = "hosts"
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        section = re.fullmatch(r"\[([^\]:]+)(?::(children|vars|hosts))?\]\s*(?:[#;].*)?", line)
        if section:
            group, kind = section.group(1), section.group(2) or "hosts"
            continue
        if kind == "vars":
            name, _, value = line.partition("=")
            inventory.variables.setdefault(group or "all", {})[name.strip()] = value.strip().strip("\"'")
        elif kind == "children":
            inventory.children.setdefault(group or "all", []).append(line.split()[0])
        else:
            try:
                first, *rest = shlex.split(line, comments=True)
            except ValueError as error:
                raise ValueError(f"{file}:{number}: {error}") from error
            inventory.add(first, dict(pair.split("=", 1) for pair in rest if "=" in pair), group)
