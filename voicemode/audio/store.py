"""Keeps what the user said on disk until its transcript is delivered: pcm in, paths of WAV files out.

A recording grows in ``pending`` below the store's directory, so that a crash leaves it there; when its transcript is
delivered it moves to ``audio/YYYY/MM`` or is removed.  While it grows it is claimed, so that whoever finishes what is
pending leaves it alone.  Files and directories are readable by their owner alone.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import trio

from .claim import Claim
from .file_errors import explaining
from .wav_writer import WavWriter


class DirectoryStore:
    """Implements ``UtteranceStore`` in the directory ``base``; ``keep`` says what becomes of delivered recordings.

    Uses threads, which a virtual clock does not wait for: ``MemoryStore`` is for those.
    """

    def __init__(self, base: Path, keep: bool) -> None:
        self.base, self.keep = base, keep
        self._threads = trio.CapacityLimiter(2)

    def begin(self, rate: int) -> FileSpool:
        """Raises AudioFileError when ``base`` cannot be written."""
        now = datetime.now().astimezone()
        name = f"{now:%Y%m%d_%H%M%S}_{now.microsecond // 1000:03}_{secrets.token_hex(3)}.wav"
        pending = pending_in(self.base)
        with explaining(pending, "written"):
            make_private(pending)
            claim = Claim.on_new(pending / name)
        try:
            writer = WavWriter(pending / name, rate)
        except BaseException:
            claim.release()
            raise
        return FileSpool(writer, claim, self._threads)

    async def settle(self, path: Path) -> Path | None:
        """None when the recording is removed or was gone.  Raises AudioFileError when it has to stay where it is."""
        return await trio.to_thread.run_sync(self._keep if self.keep else _remove, path, limiter=self._threads)

    def _keep(self, path: Path) -> Path | None:
        with explaining(path, "moved"):
            try:
                recorded = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
                month = self.base / "audio" / f"{recorded:%Y}" / f"{recorded:%m}"
                make_private(month)
                return path.replace(month / f"{path.stem}_stt.wav")
            except FileNotFoundError:
                return None


def pending_in(base: Path) -> Path:
    """The directory of recordings without a transcript."""
    return base / "pending"


class FileSpool:
    """Implements ``Spool``.  ``write`` leaves a file that can be played, even if the process is killed after it."""

    def __init__(self, writer: WavWriter, claim: Claim, threads: trio.CapacityLimiter) -> None:
        self.path = writer.path
        self._writer, self._claim, self._threads = writer, claim, threads
        self._using = threading.Lock()
        self._discarded = False

    def write(self, pcm: bytes) -> None:
        """Raises AudioFileError, as when the disk is full; what was written before stays."""
        self._writer.write(pcm)

    async def finish(self, length: int) -> Path | None:
        """None when it was discarded before.  Raises AudioFileError.  When cancelled it does not wait for the disk."""
        return await trio.to_thread.run_sync(self._finish, length, limiter=self._threads, abandon_on_cancel=True)

    def _finish(self, length: int) -> Path | None:
        with self._using:
            if self._discarded:
                return None
            try:
                self._writer.resize(min(length, self._writer.size))
                self._writer.sync()
            finally:
                self._writer.close()
                self._claim.release()
        with explaining(self.path, "written"):
            _sync_directory(self.path.parent)
        return self.path

    def discard(self) -> None:
        """Never raises: a file that cannot be removed stays in ``pending``."""
        self._discarded = True
        with suppress(OSError):
            self.path.unlink()
        # when finish is at work in its thread, it closes the file
        if self._using.acquire(blocking=False):
            try:
                with suppress(OSError):
                    self._writer.close()
                    self._claim.release()
            finally:
                self._using.release()


class MemoryStore:
    """Implements ``UtteranceStore`` without files and threads: an utterance is in memory or nowhere."""

    def begin(self, rate: int) -> MemorySpool:  # noqa: ARG002 - the port names it
        return MemorySpool()

    async def settle(self, path: Path) -> None:  # noqa: ARG002 - the port names it
        await trio.lowlevel.checkpoint()


class MemorySpool:
    """Implements ``Spool`` and keeps nothing: whoever records holds the audio as well."""

    path = None

    def write(self, pcm: bytes) -> None:
        pass

    async def finish(self, length: int) -> None:  # noqa: ARG002 - the port names it
        await trio.lowlevel.checkpoint()

    def discard(self) -> None:
        pass


def _remove(path: Path) -> None:
    with explaining(path, "removed"):
        path.unlink(missing_ok=True)


def make_private(directory: Path) -> None:
    """Make ``directory`` and whatever is missing above it, for the owner alone."""
    if not directory.is_dir():
        make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
