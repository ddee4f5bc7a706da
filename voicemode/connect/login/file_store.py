"""A login in a file that only its owner can read.  It is replaced as a whole, and is on the disk before that."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .credentials import Credentials
from .errors import LoginError

log = logging.getLogger(__name__)

LONGEST = 1 << 20
"""Bytes that are read."""


class FileStore:
    """As ``CredentialStore``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def place(self) -> str:
        return str(self.path)

    def load(self) -> Credentials | None:
        with self._naming("read"):
            try:
                with self.path.open("rb") as file:
                    mode = os.fstat(file.fileno()).st_mode
                    if hasattr(os, "fchmod") and mode & 0o077:
                        os.fchmod(file.fileno(), 0o600)
                        log.warning("%s could be read by others, and cannot any more.", self.path)
                    kept = file.read(LONGEST)
            except FileNotFoundError:
                return None
        return Credentials.decode(kept, self.place)

    def save(self, credentials: Credentials) -> None:
        with self._naming("written"):
            path = Path(os.path.realpath(self.path))  # a link stays a link
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            try:
                with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(credentials.encode())
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(path)
            except BaseException:
                with suppress(OSError):
                    beside.unlink()
                raise

    def clear(self) -> bool:
        """With what VoiceMode 8 left beside it when it moved a login into the keyring."""
        with self._naming("removed"):
            self.path.with_name(f"{self.path.name}.migrated").unlink(missing_ok=True)
            try:
                self.path.unlink()
            except FileNotFoundError:
                return False
            return True

    @contextmanager
    def _naming(self, what: str) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise LoginError(
                f"The login in {self.path} cannot be {what}: {error.strerror or error}. Look at who may use that "
                "folder, or choose another one with VOICEMODE_BASE_DIR."
            ) from error
