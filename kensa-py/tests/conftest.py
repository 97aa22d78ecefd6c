"""Hosts and rules for the tests."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

import kensa

BED = Path(__file__).resolve().parents[2] / "tests" / "bed" / "host.sh"


@dataclass
class Host:
    """A host of the test bed."""

    name: str
    address: str
    port: int
    key: str

    def control(self, command: str, *arguments: str) -> str:
        done = subprocess.run([str(BED), command, self.name, *arguments], check=True, capture_output=True, text=True)
        return done.stdout


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A real host with sshd. Where the machine cannot boot one, tests that need it are left out."""
    name = f"py-{os.getpid()}"
    setup = subprocess.run([str(BED.parent / "setup.sh")], capture_output=True, text=True)
    if setup.returncode == 77:
        pytest.skip(setup.stdout.strip() or "this machine cannot boot test hosts")
    up = subprocess.run([str(BED), "up", name, "debian"], capture_output=True, text=True)
    assert up.returncode == 0, up.stderr
    values = dict(line.split("=", 1) for line in up.stdout.splitlines() if "=" in line)
    try:
        yield Host(name, values["addr"], int(values["port"]), values["key"])
    finally:
        subprocess.run([str(BED), "down", name], capture_output=True)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a state directory of its own, so no host key is remembered."""
    for name in list(os.environ):
        if name.startswith("KENSA_") and not name.startswith("KENSA_BED"):
            monkeypatch.delenv(name)
    directory = tmp_path / "state"
    monkeypatch.setenv("KENSA_STATE_DIR", str(directory))
    return directory


@pytest.fixture
def ssh(host: Host) -> Iterator[kensa.SSHSession]:
    """A session as `scan`, who may use sudo without a password."""
    with kensa.SSHSession(host.address, user="scan", key_path=host.key, sudo=True) as session:
        yield session


@pytest.fixture
def local() -> Iterator[kensa.LocalSession]:
    with kensa.LocalSession() as session:
        yield session


RULE = """\
id: {id}
title: {title}
description: Says what is wanted.
rationale: Says why.
severity: {severity}
category: {category}
tags: [{tags}]
references:
  cis: {{rhel9_v2: {{section: "5.1.{number}", level: L1, type: Automated}}}}
  nist_800_53: [AC-6, CM-6]
implementations:
  - default: true
    check: {check}
    remediation: {{mechanism: file_permissions, path: /etc/passwd, mode: "0644"}}
"""


def write_rule(folder: Path, id: str, check: str, **given: object) -> Path:
    values = {"title": f"Rule {id}", "severity": "medium", "category": "system", "tags": "files", "number": 1, **given}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{id}.yml"
    path.write_text(RULE.format(id=id, check=check, **values))
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Six rules: two pass, one fails, one is for another system, one cannot be told, one runs two commands."""
    folder = tmp_path / "rules"
    write_rule(folder / "system", "a-passes", "{method: file_exists, path: /etc/passwd}", severity="high")
    write_rule(folder / "system", "b-fails", "{method: file_exists, path: /etc/no-such-file}", severity="critical")
    other = write_rule(folder / "network", "c-other-system", "{method: file_exists, path: /etc/passwd}", category="network")
    other.write_text(other.read_text().replace("implementations:", "platforms: [{family: plan9}]\nimplementations:"))
    write_rule(folder / "system", "d-command", '{method: command, run: "echo {{ word }}", expected_stdout: "{{ word }}"}')
    write_rule(folder / "system", "e-unknown", '{method: command, run: "echo {{ nowhere }}", expected_stdout: x}', severity="low")
    both = "{checks: [{method: file_exists, path: /etc/passwd}, {method: file_exists, path: /etc/no-such-file}]}"
    write_rule(folder / "system", "f-both", both, tags="files, both")
    (folder / "defaults.yml").write_text("variables:\n  word: hello\nframeworks:\n  cis:\n    word: from-cis\n")
    return folder
