"""Recordings that stay until what was understood of them has been written.  In: recordings that were understood.
Out: their removal, or an error that says where they are.

To the library a transcript is delivered when the caller has it; to whoever runs a command, when it is on stdout.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from actors.errors import VoiceError

from ..audio.store import DirectoryStore
from ..settings import Settings
from .output import flush


class UntilWritten(DirectoryStore):
    """Removes nothing before ``written`` has been left; recordings that are kept in any case move at once."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.base_dir, keep=settings.save_audio)
        self._understood: list[Path] = []

    async def settle(self, path: Path) -> Path | None:
        if self.keep:
            return await super().settle(path)
        self._understood.append(path)
        return None

    @contextmanager
    def written(self) -> Generator[None]:
        """In it the result is written.  Raises VoiceError with the recording when that fails, or when there is no
        stdout at all; a reader who has gone stays a BrokenPipeError."""
        try:
            yield
            flush()
        except VoiceError as error:
            error.recording = error.recording or (self._understood[-1] if self._understood else None)
            raise
        if sys.stdout is None and self._understood:
            nowhere = VoiceError("There is no standard output to write the transcript to.")
            nowhere.recording = self._understood[-1]
            raise nowhere
        for path in self._understood:
            # one that cannot be removed waits for transcribe --pending
            with suppress(OSError):
                path.unlink(missing_ok=True)
