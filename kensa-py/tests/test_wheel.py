"""What a user installs: a source archive, the wheel made from it, and that wheel where there is no Rust."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest
import yaml  # type: ignore[import-untyped]

import kensa
from kensa.detect import CAPABILITY_PROBES

PROJECT = Path(__file__).resolve().parents[1]
CHECKOUT = PROJECT.parent / "rules"
OURS = ("kensa-core", "kensa-ssh", "kensa-rules", "kensa-engine", "kensa-cli", "kensa-py")
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT.parent / "target")).resolve()


def run(*command: object, **given: Any) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **given)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive and the wheel that is made of it, without optimisation."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", folder, PROJECT)
    (archive,) = folder.glob("*.tar.gz")
    place = TARGET / "py-sdist"
    shutil.rmtree(place, ignore_errors=True)
    (place / "source").mkdir(parents=True)
    run("tar", "xzf", archive, "-C", place / "source", "--strip-components=1")
    environment = {**os.environ, "CARGO_TARGET_DIR": str(place / "target")}
    if (TARGET / "debug").is_dir():
        # What others wrote is built already. What is ours must be built anew: cargo knows it by its place in the
        # workspace alone, and would take the checkout's for the archive's.
        (place / "target").mkdir()
        run("cp", "-al", TARGET / "debug", place / "target")
        ours = [option for crate in OURS for option in ("-p", crate)]
        run("cargo", "clean", "-q", *ours, cwd=place / "source", env=environment)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "--wheel-dir", folder]
    run(*pip, "--config-settings=build-args=--profile dev", place / "source", env=environment)
    shutil.rmtree(place)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


class Machine:
    """An environment with nothing but the wheel, and no Rust in reach."""

    def __init__(self, folder: Path, wheel: Path, python: str = sys.executable) -> None:
        run(python, "-m", "venv", folder / "venv")
        self.bin = folder / "venv" / "bin"
        self.folder = folder
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self.run(self.bin / "pip", "install", "-q", "--no-index", "--disable-pip-version-check", wheel)

    def run(self, *command: object) -> str:
        return run(*command, cwd=self.folder, env=self.environment, timeout=300)

    def python(self, text: str) -> str:
        return self.run(self.bin / "python", "-c", text)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Iterator[Machine]:
    yield Machine(tmp_path_factory.mktemp("machine"), wheel)


def test_one_wheel_serves_every_python_and_needs_nothing(wheel: Path) -> None:
    assert re.fullmatch(r"kensa_engine-[\d.]+-cp39-abi3-\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    required = [line for line in text.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert required == [] and "Name: kensa-engine" in text and "License-Expression: Apache-2.0" in text
    for name in ("kensa/py.typed", "runner/py.typed", "kensa/_native.pyi", "kensa/content/rules/defaults.yml"):
        assert name in names
    assert any(re.search(r"dist-info/(licenses/)?.*LICENSE", name) for name in names)
    assert not [name for name in names if "__pycache__" in name or "/controls/" in name or name.startswith("tests")]


def test_the_earlier_packages_imports_work_where_there_is_no_rust(machine: Machine) -> None:
    said = machine.python(
        "import json, shutil\n"
        "assert shutil.which('cargo') is None and shutil.which('rustc') is None\n"
        "from runner.ssh import SSHSession\n"
        "from runner.engine import check_rules_from_path\n"
        "from runner._config import load_config, resolve_variables\n"
        "from runner._loading import load_rules\n"
        "from runner.paths import get_mappings_path, get_rules_path, get_version\n"
        "from runner.mappings import load_all_mappings\n"
        "import kensa, runner\n"
        "assert (get_rules_path() / 'defaults.yml').is_file() and not get_rules_path().is_symlink()\n"
        "rules = load_rules()\n"
        "resolve_variables(rules[0], load_config(), strict=False)\n"
        "with kensa.LocalSession() as session:\n"
        "    results = check_rules_from_path(session, str(get_rules_path()), severity=['critical'])\n"
        "print(json.dumps([kensa.__version__, runner.__version__, get_version(), len(rules), len(results),\n"
        "                  sorted(load_all_mappings()), str(get_rules_path())]))\n"
    )
    version, runner_version, content, rules, results, mappings, path = json.loads(said)
    assert version == runner_version == content
    assert rules == len(kensa.load_rules()) and results > 0
    assert path.startswith(str(machine.folder))
    needed = {"cis-rhel8-v4.0.0", "cis-rhel9-v2.0.0", "stig-rhel8-v2r6", "stig-rhel9-v2r7", "nist-800-53-r5", "pci-dss-v4.0",
              "fedramp-moderate"}  # fmt: skip
    assert needed <= set(mappings)


def interpreters() -> Iterator[Tuple[str, str]]:
    """Version and path of every other interpreter of this machine that the package is for."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}"}
    for path in [*pyenv.glob("versions/*/bin/python3"), *Path("/usr/bin").glob("python3.*"), *Path("/usr/local/bin").glob("python3.*")]:
        ask = "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"
        said = subprocess.run([str(path), "-c", ask], capture_output=True, text=True)
        version = said.stdout.strip()
        if said.returncode == 0 and version not in found and tuple(map(int, version.split("."))) >= (3, 9):
            found.add(version)
            yield version, str(path)


def test_the_same_wheel_serves_the_other_interpreters_of_this_machine(wheel: Path, tmp_path: Path) -> None:
    for version, path in interpreters():
        other = Machine(tmp_path / version, wheel, path)
        said = other.python(
            "import asyncio, kensa, sys\n"
            "from runner.engine import check_rules_from_path\n"
            "async def main():\n"
            "    async with kensa.local() as session:\n"
            "        return len((await session.scan(severity='critical')).results)\n"
            "with kensa.LocalSession() as session:\n"
            "    results = check_rules_from_path(session, kensa.get_rules_path(), ['critical'])\n"
            "assert asyncio.run(main()) == len(results) > 0\n"
            "print(*sys.version_info[:2], sep='.')\n"
        )
        assert said.strip() == version


def test_the_console_script_is_the_command_line(machine: Machine) -> None:
    command = [str(machine.bin / "kensa"), "check", "--local", "--severity", "critical", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=machine.environment, timeout=300)
    assert done.returncode in (0, 1, 3), done.stderr
    assert json.loads(done.stdout)["summary"]["total"] > 0
    assert kensa.__version__ in machine.run(machine.bin / "python", "-m", "kensa", "--version")


@pytest.fixture(scope="module")
def installed(machine: Machine) -> Path:
    return Path(machine.python("import kensa; print(kensa.get_rules_path())").strip())


def test_rule_files_are_as_programs_read_them_that_parse_them_themselves(installed: Path) -> None:
    """The conditions host applications put on the files; read by another YAML library."""
    ids = set()
    names = set(CAPABILITY_PROBES)
    for file in sorted(installed.rglob("*.yml")):
        rule = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert isinstance(rule, dict), file
        if file == installed / "defaults.yml":
            assert "id" not in rule and all(not isinstance(value, dict) for value in rule["variables"].values())
            assert {"cis", "stig"} <= set(rule["frameworks"])
            continue
        json.dumps(rule)
        assert file.parent.name == rule["category"] and rule["id"] not in ids
        ids.add(rule["id"])
        for key, width in (("id", 255), ("title", 500), ("severity", 16), ("category", 100)):
            assert isinstance(rule[key], str) and 0 < len(rule[key]) <= width, file
        assert rule["description"].strip() and rule["rationale"].strip()
        for reference in references(rule):
            assert all(isinstance(value, str) for key, value in reference.items() if key not in ("cci", "also")), file
            widths = {"section": 50, "level": 10, "type": 20, "vuln_id": 50, "stig_id": 50, "severity": 20}
            assert all(len(reference.get(key, "")) <= width for key, width in widths.items()), file
        for key, controls in rule["references"].items():
            if key not in ("cis", "stig"):
                assert isinstance(controls, list) and all(isinstance(one, str) and len(one) <= 100 for one in controls), file
        for implementation in rule["implementations"]:
            gate, check = implementation.get("when"), implementation["check"]
            assert implementation.get("default") is True or gate, file
            assert gate is None or isinstance(gate, dict) or gate in names, file
            assert "method" in check or isinstance(check["checks"], list), file
            fix = implementation.get("remediation", {"mechanism": "manual"})
            assert "mechanism" in fix or isinstance(fix["steps"], list), file
    assert len(ids) > 600


def references(rule: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    for family in ("cis", "stig"):
        for reference in rule["references"].get(family, {}).values():
            assert isinstance(reference, dict), rule["id"]
            yield reference


class Mute:
    """A host that answers nothing."""

    def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
        raise OSError("no answer")


@pytest.mark.parametrize("platform", [("rhel", 8), ("rhel", 9), ("ubuntu", 24)])
def test_the_files_of_the_wheel_name_the_controls_of_the_checkout(installed: Path, platform: Tuple[str, int]) -> None:
    def controls(folder: Path) -> List[Tuple[str, Dict[str, List[str]], Optional[str]]]:
        known: Dict[str, bool] = {}
        results = kensa.check_rules_from_path(Mute(), folder, platform=platform, capabilities=known)
        assert not any(result.passed for result in results)
        return [(one.rule_id, one.framework_controls, one.framework_section) for one in results]

    assert controls(installed) == controls(CHECKOUT)
