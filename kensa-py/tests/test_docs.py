"""Every snippet of docs/python.md runs, and every public name has a page in `help`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Host

import kensa

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCKS = re.findall(r"^```python( compile)?\n(.*?)^```", PAGE.read_text(), re.M | re.S)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_snippets_are_python(number: int) -> None:
    compile(BLOCKS[number][1], f"{PAGE.name}, block {number}", "exec")


@pytest.mark.parametrize("number", [n for n, (only_compile, _) in enumerate(BLOCKS) if not only_compile])
def test_snippets_run(number: int, host: Host) -> None:
    text = BLOCKS[number][1]
    for shown, real in (("web-1.example.com", host.address), ('"audit"', '"scan"'), ("/etc/keys/audit", host.key)):
        text = text.replace(shown, real)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def test_every_public_name_is_documented_with_an_example() -> None:
    import importlib
    import inspect

    bare = []
    for module in ("aio", "config", "detect", "errors", "hosts", "inventory", "loading", "mappings", "orchestration", "paths",
                   "reach", "relations", "remediation", "report", "risk", "selection", "ssh", "storage", "types", "updates"):  # fmt: skip
        found = importlib.import_module(f"kensa.{module}")
        for name in found.__all__:
            one = getattr(found, name)
            if inspect.isclass(one) or inspect.isfunction(one):
                if not one.__doc__ or ">>>" not in one.__doc__ and name != "RuleConfig":
                    bare.append(f"{module}.{name}")
    assert not bare


def test_the_page_names_every_public_name() -> None:
    text = PAGE.read_text()
    missing = [name for name in kensa.__all__ if f"`{name}" not in text and f"kensa.{name}" not in text]
    assert [name for name in missing if name not in ("__version__", "UpdateError", "UpdateVerificationError")] == []
