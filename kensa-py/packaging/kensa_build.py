"""The build backend: maturin, with the rules of the checkout put into the package as plain files first.

maturin does not follow links out of the project, so a wheel gets a copy; an editable install gets a link and
sees changes of the rules at once. The copy differs from the checkout in one point: programs that read rule files
themselves know one CIS and one STIG reference a benchmark, so further ones stand under its key `also`.
"""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import maturin
from maturin import *  # noqa: F403 - the hooks not wrapped below

PROJECT = Path(__file__).resolve().parent.parent
# Beside the project in a checkout, inside it in a source archive.
RULES = next((folder for folder in (PROJECT.parent / "rules", PROJECT / "rules") if folder.is_dir()), PROJECT / "rules")
STAGED = PROJECT / "python" / "kensa" / "content" / "rules"


def _clear():
    if STAGED.is_symlink():
        STAGED.unlink()
    elif STAGED.is_dir():
        shutil.rmtree(STAGED)


def link():
    """Rules by link, for work in the checkout."""
    _clear()
    STAGED.parent.mkdir(parents=True, exist_ok=True)
    STAGED.symlink_to(RULES, target_is_directory=True)


# What the tests and the tools of the checkout need, and nobody else.
_LEFT_OUT = shutil.ignore_patterns("controls", "lint-allow.csv")
_SEVERAL = re.compile(r"^    (\w+):\n((?:      - \{.*\}\n){2,})", re.M)


def one_reference_each(text):
    """A rule file with its several references to one benchmark as one, which holds the others."""

    def join(match):
        first, *others = [line[len("      - {") : -1] for line in match.group(2).splitlines()]
        also = ", ".join("{" + one + "}" for one in others)
        return f"    {match.group(1)}: {{{first}, also: [{also}]}}\n"

    head, references, rest = re.split(r"^references:\n((?:[ #].*\n|\n)*)", text, maxsplit=1, flags=re.M)
    references = _SEVERAL.sub(join, references)
    left = re.search(r"^      - ", references, re.M)
    if left:
        raise ValueError(f"a list of references that is not one flow mapping a line: {references[left.start():][:80]!r}")
    return f"{head}references:\n{references}{rest}"


@contextmanager
def _copied():
    was_link = STAGED.is_symlink()
    _clear()
    shutil.copytree(RULES, STAGED, ignore=_LEFT_OUT)
    for file in STAGED.glob("*/*.yml"):
        file.write_text(one_reference_each(file.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        yield
    finally:
        _clear()
        if was_link:
            link()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with _copied():
        return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    link()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


if __name__ == "__main__":
    link()
