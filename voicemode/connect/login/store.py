"""Where a login is kept.  In: credentials.  Out: the same, also in another process.

Everything here blocks, for as long as a disk takes, or a person who is asked to open the keyring: it is for threads.
"""

from __future__ import annotations

from typing import Protocol

from .credentials import Credentials
from .file_store import FileStore
from .keyring_store import KeyringStore
from .settings import LoginSettings


class CredentialStore(Protocol):
    """Methods raise LoginError.  ``place`` is for people."""

    @property
    def place(self) -> str: ...

    def load(self) -> Credentials | None: ...

    def save(self, credentials: Credentials) -> None: ...

    def clear(self) -> bool:
        """Whether there was anything."""
        ...


def store_of(settings: LoginSettings) -> CredentialStore:
    file = FileStore(settings.base_dir / "credentials")
    return KeyringStore(file) if settings.store == "keyring" else file
