"""A login in the system's keyring.  One that a file has is moved there the first time it is asked for.

There is no way back to a file but the user's: where no keyring can be used that is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .credentials import Credentials
from .errors import LoginError
from .file_store import FileStore

SERVICE, USER = "voicemode", "credentials"

Result = TypeVar("Result")

INSTEAD = (
    "Open or set up the system's keyring, or keep the login in a file that only you can read: voicemode config set "
    "VOICEMODE_CREDENTIAL_STORE file."
)


class KeyringStore:
    """As ``CredentialStore``; ``before`` is where a login may be that was kept before there was a keyring."""

    def __init__(self, before: FileStore) -> None:
        self._before = before

    @property
    def place(self) -> str:
        return "the system's keyring"

    def load(self) -> Credentials | None:
        kept = _asked(lambda keyring: keyring.get_password(SERVICE, USER))
        if kept:
            return Credentials.decode(kept, self.place)
        moved = self._before.load()
        if moved is not None:
            self.save(moved)
            self._before.clear()
        return moved

    def save(self, credentials: Credentials) -> None:
        text = credentials.encode().decode()
        _asked(lambda keyring: keyring.set_password(SERVICE, USER, text))
        # there are keyrings that take everything and keep nothing
        if _asked(lambda keyring: keyring.get_password(SERVICE, USER)) != text:
            raise LoginError(f"The system's keyring has not kept the login. {INSTEAD}")

    def clear(self) -> bool:
        """With what is kept in the file, which goes even if the keyring cannot be used."""
        in_file = self._before.clear()

        def remove(keyring: Any) -> bool:
            if not keyring.get_password(SERVICE, USER):
                return False
            keyring.delete_password(SERVICE, USER)
            return True

        return _asked(remove) or in_file


def _asked(do: Callable[[Any], Result]) -> Result:
    """What ``do`` finds out from the keyring.  Raises LoginError."""
    try:
        import keyring
    except ImportError as error:
        raise LoginError(
            "VOICEMODE_CREDENTIAL_STORE is keyring, and the package for that is missing: pip install "
            "'voicemode[connect]'."
        ) from error
    try:
        return do(keyring)
    except Exception as error:  # noqa: BLE001 - each keyring raises what its own library does
        # what it says is left out, as it may quote what it was given
        raise LoginError(f"The system's keyring cannot be used ({type(error).__name__}). {INSTEAD}") from None
