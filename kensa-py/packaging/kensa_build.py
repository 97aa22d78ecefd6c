"""The build backend: maturin, with the rules of the checkout put into the package as plain files first.

maturin does not follow links out of the project, so a wheel gets a copy; an editable install gets a link and
sees changes of the rules at once.
"""

import shutil
from contextlib import contextmanager
from pathlib import Path

import maturin
from maturin import *  # noqa: F403 - the hooks not wrapped below

PROJECT = Path(__file__).resolve().parent.parent
RULES = PROJECT.parent / "rules"
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


@contextmanager
def _copied():
    if not RULES.is_dir():  # an sdist carries its own copy
        yield
        return
    was_link = STAGED.is_symlink()
    _clear()
    shutil.copytree(RULES, STAGED)
    try:
        yield
    finally:
        _clear()
        if was_link:
            link()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with _copied():
        return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory, config_settings=None):
    with _copied():
        return maturin.build_sdist(sdist_directory, config_settings)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    link()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


if __name__ == "__main__":
    link()
