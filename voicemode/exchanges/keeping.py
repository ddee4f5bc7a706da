"""Writes down what is said, and what happens, where the user asked for it.  In: the events of a conversation.  Out:
lines in the files of the day.

It watches as anybody may: a disk that is slow, full or gone holds up nobody, is told once, and costs lines alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import msgspec
import trio
from attrs import define, field

from actors.errors import AudioFileError, VoiceError
from actors.events import Event, TurnEnded
from actors.recent import Recent
from actors.ring import Ring

from ..audio.file_errors import explaining
from ..settings import Settings
from .appending import append
from .conversation_id import conversation_id
from .day_files import EVENTS, EXCHANGES
from .event_log import EventLog, LoggedEvent
from .exchange import Exchange, writable
from .reading import recent as recent_exchanges
from .scribe import About, Occasion, Scribe
from .sounds import Made, made_in, with_sound
from .tidying import tidy

log = logging.getLogger(__name__)

LAST_WORDS = 2.0
"""Seconds that the disk is given for what was said last, when the conversation is over."""

EARLIER = 50
"""Exchanges among which the last of the same project is looked for."""

Named: TypeAlias = Callable[[str], None]

Entry: TypeAlias = Exchange | LoggedEvent


@asynccontextmanager
async def keeping(
    settings: Settings,
    events: Ring[Event],
    *,
    rate: int,
    recent: Recent | None = None,
    about: About | None = None,
    named: Named = lambda _: None,
) -> AsyncGenerator[None]:
    """While inside, keep of ``events`` what ``settings`` ask for; leaving closes them and waits for the disk, 2 s at
    most.

    ``rate`` is that of the assistant's sound in Hz, and ``recent`` has that sound; ``about`` knows the engines, and
    ``named`` is told the name of the conversation.  The disk is waited for in threads, which a virtual clock does not
    see: its 2 s are over at once.
    """
    async with trio.open_nursery() as nursery:
        until_written = trio.CancelScope(shield=True)

        async def keep() -> None:
            with until_written:
                await keep_exchanges(events, settings=settings, rate=rate, recent=recent, about=about, named=named)

        nursery.start_soon(keep)
        try:
            yield
        finally:
            events.close()
            until_written.deadline = trio.current_time() + LAST_WORDS


async def keep_exchanges(
    events: AsyncIterable[Event],
    *,
    settings: Settings,
    rate: int,
    recent: Recent | None = None,
    about: About | None = None,
    named: Named = lambda _: None,
) -> None:
    """Run until ``events`` end.  What is too old is removed meanwhile."""
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_tidy, settings)
        book = _Book(settings)
        occasion = await book.in_thread(partial(_occasion, settings, rate))
        named(occasion.conversation)
        scribe = Scribe(occasion, on_the_wall) if about is None else Scribe(occasion, on_the_wall, about)
        phases = EventLog(occasion.conversation, on_the_wall, texts=settings.save_transcriptions)
        if settings.event_log:
            await book.write([phases.event(began, "SESSION_START", voice_mode_version=occasion.version)])
        async for event in events:
            entries: list[Entry] = []
            made: Made | None = None
            if settings.save_transcriptions:
                entries += scribe.take(event)
                if settings.save_audio and recent is not None and isinstance(event, TurnEnded):
                    made = made_in(event.turn, recent.utterances)
            if settings.event_log:
                entries += phases.take(event)
            if entries:
                await book.write(entries, made)
        if settings.event_log:
            await book.write([phases.event(trio.current_time(), "SESSION_END")])


def on_the_wall(at: float) -> datetime:
    """When ``at`` on the Trio clock was."""
    return datetime.fromtimestamp(time.time() - (trio.current_time() - at)).astimezone()


@define
class _Book:
    settings: Settings
    _threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    _told: bool = False

    async def in_thread(self, work: partial[Occasion]) -> Occasion:
        return await trio.to_thread.run_sync(work, limiter=self._threads, abandon_on_cancel=True)

    async def write(self, entries: Sequence[Entry], made: Made | None = None) -> None:
        work = partial(_write, self.settings.base_dir, entries, made)
        error = await trio.to_thread.run_sync(work, limiter=self._threads, abandon_on_cancel=True)
        if error is not None and not self._told:
            self._told = True
            log.warning("Not all that is said can be kept: %s The conversation goes on.", error)


def _write(base: Path, entries: Sequence[Entry], made: Made | None) -> str | None:
    """What could not be done, in a sentence."""
    wrong: str | None = None
    for entry in entries:
        if made is not None and isinstance(entry, Exchange) and entry.type == "tts":
            try:
                with explaining(base / "audio", "written"):
                    entry = with_sound(entry, made, base)  # noqa: PLW2901 - it is the same, and says where its sound is
            except AudioFileError as error:
                wrong = str(error)
        kind = EXCHANGES if isinstance(entry, Exchange) else EVENTS
        path = kind.path(base, entry.timestamp.date())
        try:
            with explaining(path, "written"):
                append(path, msgspec.json.encode(entry) + b"\n")
        except AudioFileError as error:
            wrong = str(error)
    return wrong


def _occasion(settings: Settings, rate: int) -> Occasion:
    try:
        project = writable(str(Path.cwd()))
    except OSError:
        project = None  # it was removed
    before: list[Exchange] = []
    if settings.save_transcriptions:
        try:
            before = recent_exchanges(settings.base_dir, EARLIER)
        except VoiceError:
            before = []  # that it cannot be read does not keep it from being written
    return Occasion(
        conversation=conversation_id(datetime.now().astimezone(), project, before),
        project=project,
        version=version("voicemode"),
        voice=settings.voice,
        transport="text" if settings.text else "local",
        rate=rate,
    )


async def _tidy(settings: Settings) -> None:
    work = partial(tidy, settings.base_dir, days=settings.keep_days, megabytes=settings.keep_megabytes, now=time.time())
    try:
        await trio.to_thread.run_sync(work, limiter=trio.CapacityLimiter(1), abandon_on_cancel=True)
    except OSError as error:
        log.warning("What is too old cannot be removed from %s: %s.", settings.base_dir, error.strerror)
