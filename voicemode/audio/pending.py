"""Recordings that still wait for a transcript, as a failed turn or a crash left them.  In: the store's directory.
Out: what is there, oldest first, and the sound of each as far as it can be read.
"""

from __future__ import annotations

import stat
from datetime import datetime, timedelta
from pathlib import Path

import trio
from attrs import frozen

from actors.errors import AudioFileError

from .claim import Claim
from .file_errors import explaining
from .files import Sound, read_audio
from .store import pending_in
from .wav_writer import Head, make_whole

NAMED = len("20260103_101500_120")
"""Letters of a recording's name that say when it began."""

HEADER = 44
"""Bytes of a WAV file before its first sample."""


@frozen(kw_only=True)
class Waiting:
    """``recorded`` is when it ended; ``seconds`` how long it is, None when that is not easily told."""

    path: Path
    recorded: datetime
    seconds: float | None

    @property
    def began(self) -> datetime:
        """When it began to be said: as its name has it, or by its end."""
        try:
            return datetime.strptime(self.path.stem[:NAMED], "%Y%m%d_%H%M%S_%f").astimezone()
        except ValueError:
            return self.recorded - timedelta(seconds=self.seconds or 0.0)


def waiting(base: Path) -> list[Waiting]:
    """What waits in the store at ``base``, oldest first, also what is being recorded.  Raises AudioFileError."""
    found: list[Waiting] = []
    directory = pending_in(base)
    if not directory.exists():
        return found
    with explaining(directory, "read"):
        paths = [*directory.glob("[!.]*.wav")]
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue  # somebody else has just finished it
        if stat.S_ISREG(status.st_mode):
            recorded = datetime.fromtimestamp(status.st_mtime).astimezone()
            found.append(Waiting(path=path, recorded=recorded, seconds=_seconds(path)))
    return sorted(found, key=lambda each: (each.recorded, each.path.name))


def _seconds(path: Path) -> float | None:
    try:
        head = Head.of(path)
    except AudioFileError:
        return None
    return None if head is None else head.seconds


def claim(path: Path) -> Claim | None:
    """None when it is being recorded, or finished by somebody else.  Raises AudioFileError, also when it has gone."""
    with explaining(path, "read"):
        return Claim.on(path)


def in_use(path: Path) -> bool:
    """Whether it is being recorded, or finished by somebody else; not where that cannot be told."""
    try:
        held = claim(path)
    except AudioFileError:
        return False
    if held is None:
        return True
    held.release()
    return False


async def load_pending(path: Path, rate: int) -> Sound | None:
    """What can be read of it, at ``rate`` Hz; None when there is not one sample in it.

    What a crash left is made whole first.  Raises AudioFileError for what is no sound.
    """
    return await trio.to_thread.run_sync(_read, path, rate)


def _read(path: Path, rate: int) -> Sound | None:
    with explaining(path, "read"), path.open("rb") as file:
        beginning = file.read(HEADER + 1)
    head = Head.of(path)
    cut = len(beginning) <= HEADER and b"RIFF".startswith(beginning[:4])
    if cut or (head is not None and not head.held):
        return None
    make_whole(path)
    return read_audio(path, rate)
