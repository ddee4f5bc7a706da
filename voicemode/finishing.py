"""Gives a recording that waits its words.  In: the recording, and an engine.  Out: what became of it.

It is settled only after whoever asked has its words, and stays when anything goes wrong before that.  Where exchanges
are kept it is one, at the time when it was said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import trio
from attrs import evolve, frozen

from actors.errors import VoiceError
from actors.messages import Transcript
from actors.ports import SpeechToText

from .audio.pending import Waiting, claim, load_pending
from .audio.store import DirectoryStore
from .settings import Settings

log = logging.getLogger(__name__)

RATE = 16_000
"""Hz, what recognisers work at."""

SETTLING = 2.0
"""Seconds that moving or removing a recording may take when it is cancelled meanwhile."""


@frozen(kw_only=True)
class Finished:
    """``transcribed``, ``empty`` (removed), ``in use`` or ``failed`` (both left), or ``gone``: somebody else has
    finished it meanwhile.

    ``error`` is why it failed, or why one with a transcript is still there; ``seconds`` is how long it lasts.
    """

    file: Path
    state: Literal["transcribed", "empty", "in use", "failed", "gone"]
    transcript: Transcript | None = None
    seconds: float = 0.0
    error: VoiceError | None = None

    @property
    def text(self) -> str:
        return "" if self.transcript is None else self.transcript.text.strip()


async def finish(
    recording: Waiting,
    settings: Settings,
    engine: SpeechToText,
    *,
    tell: Callable[[Finished], object] = lambda _: None,
) -> Finished:
    """``tell`` is told what is known before the recording goes, and when it raises that stays."""
    path = recording.path
    try:
        held = claim(path)
        if held is None:
            finished = Finished(file=path, state="in use")
            tell(finished)
            return finished
        with held:
            finished = await _understood(path, settings, engine)
            tell(finished)
            return await _settled(recording, settings, finished)
    except VoiceError as error:
        gone = not await trio.Path(path).exists()
        finished = Finished(file=path, state="gone" if gone else "failed", error=None if gone else error)
        tell(finished)
        return finished


async def _understood(path: Path, settings: Settings, engine: SpeechToText) -> Finished:
    sound = await load_pending(path, RATE)
    if sound is None:
        return Finished(file=path, state="empty")
    transcript = await engine.transcribe(sound.pcm, sound.rate, phrases=settings.phrases)
    return Finished(file=path, state="transcribed", transcript=transcript, seconds=sound.seconds)


async def _settled(recording: Waiting, settings: Settings, finished: Finished) -> Finished:
    store = DirectoryStore(settings.base_dir, keep=settings.save_audio and finished.state != "empty")
    with trio.move_on_after(SETTLING, shield=True):
        try:
            kept = await store.settle(recording.path)
        except VoiceError as error:
            return evolve(finished, error=error)
        if settings.save_transcriptions and finished.transcript is not None and finished.text:
            await _keep(recording, settings, finished.transcript, finished.seconds, kept)
    return finished


async def _keep(
    recording: Waiting, settings: Settings, transcript: Transcript, seconds: float, kept: Path | None
) -> None:
    # its messages cost time to load, and most conversations are not kept
    from .exchanges.belated import keep_belated

    work = partial(keep_belated, settings.base_dir, recording.began, seconds, transcript, kept)
    try:
        await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1))
    except VoiceError as error:
        log.warning("What was said is not among the exchanges: %s", error)
