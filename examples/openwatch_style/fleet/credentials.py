"""From a credential's name to its secret, on the worker that needs it and only while it does.

The name travels through the API, the database and the queue; the secret is a file on the workers, put there by
whatever manages secrets: `NAME.key` is a private key, `NAME.password` the password for login and sudo. To use a
vault instead, replace `resolve`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path


class CredentialError(Exception):
    """The credential is not here or not kept as a secret should be. The text holds nothing of it."""


@dataclass(frozen=True)
class Credential:
    key: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def resolve(folder: Path, name: str) -> Credential:
    """The credential `name`. Raises `CredentialError`."""
    found = Credential(_read(folder / f"{name}.key"), _read(folder / f"{name}.password"))
    if found.key is None and found.password is None:
        raise CredentialError(f"this worker has no credential {name!r}: neither {name}.key nor {name}.password")
    if found.password is not None:
        return Credential(found.key, found.password.rstrip("\r\n"))
    return found


def _read(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise CredentialError(f"{path.name} may be read by others than its owner: chmod 600")
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"{path.name} cannot be read: {type(error).__name__}") from None
