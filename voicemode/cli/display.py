"""Shows a conversation while it happens.  In: its events.  Out: a line for everything that was said and for each device
that went or came back, and on a terminal below them one line that lives: the state, the level of the microphone, the
words as they are spoken.

The terminal is written to in a thread, so that a slow one never holds up the conversation.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self

import trio
from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from actors.errors import DeviceError, VoiceError
from actors.events import Event, Muted, StateChanged, TurnEnded, TurnFailed, TurnStarted
from actors.messages import (
    DeviceKind,
    MicrophoneClosed,
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechActivity,
    Spoken,
    TextPiece,
    Transcribed,
)

from .output import printable, writing
from .summary import as_answer, latencies, stand_ins

FRAMES_PER_SECOND = 15.0
PACE = 15.0
"""Characters a voice says in a second, about 180 words a minute: to guess, until the account is in, where it is."""

COLOURS = {"speaking": "yellow", "listening": "cyan", "hearing": "bold cyan", "transcribing": "magenta"}
QUIETEST = -60.0
"""dBFS at the left end of the meter; the right end is full scale."""

CELLS = 20
BEHIND = 30
"""Characters of what has been spoken that stay to be seen."""


@define
class Scene:
    """What is going on.  With ``latencies`` a line stays of how long each turn took."""

    latencies: bool = False
    state: str = "getting ready"
    level: float | None = None
    muted: bool = False
    text: str = ""
    speaking_since: float | None = None
    _said: str = ""
    _opened: bool = False
    _lost: dict[DeviceKind, float] = field(factory=dict[DeviceKind, float])

    def take(self, event: Event) -> Text | None:
        """Take note of ``event`` and return the line that stays of it, if any does."""
        match event:
            case StateChanged():
                self.state = event.state
            case TurnStarted():
                self.text, self.speaking_since = "", None
            case TextPiece():
                self.text += event.text
            case SpeakingStarted():
                self.speaking_since = event.at
            case SpeechActivity():
                self.level = event.level
            case Muted():
                self.muted = event.muted
            case Spoken() if event.text:
                self.text = ""
                return assistant_line(event.text, event.heard)
            case Transcribed():
                return user_line(event.transcript.text)
            case TurnEnded() if self.latencies:
                taken = latencies(as_answer(event.result.timings, self._said))
                self._said = event.result.transcript
                lines = [*stand_ins(event.result.failures, event.result.engines), *([taken] if taken else [])]
                return Text("\n".join(f"  {line}" for line in lines), "dim") if lines else None
            case _:
                return self._device(event)
        return None

    def _device(self, event: Event) -> Text | None:
        match event:
            case MicrophoneOpened():
                self._opened = True
                return self._back("microphone", event.at)
            case MicrophoneClosed():
                self.level = None
            case MicrophoneFailed():
                self.level = None
                if self._opened and isinstance(event.error, DeviceError):
                    return self._gone("microphone", event.at, event.error)
            case SpeakerOpened():
                return self._back("speaker", event.at)
            case SpeakerFailed():
                return self._gone("speaker", event.at, event.error)
            case TurnFailed():
                self._lost.clear()
            case _:
                pass
        return None

    def _gone(self, device: DeviceKind, at: float, error: VoiceError) -> Text | None:
        """It may fail again and again while it is waited for."""
        if device in self._lost:
            return None
        self._lost[device] = at
        return Text(f"{device} lost: {printable(error)} Waiting for it.", "red")

    def _back(self, device: DeviceKind, at: float) -> Text | None:
        since = self._lost.pop(device, None)
        return None if since is None else Text(f"{device} back after {at - since:.1f} s", "green")

    def status(self, now: float) -> Text:
        """The line that lives, at ``now`` seconds on the Trio clock."""
        state, colour = self.state, COLOURS.get(self.state, "dim")
        if self._lost:
            state, colour = f"no {' and no '.join(self._lost)}", "red"
        line = Text.assemble(("● ", colour), (f"{state:<13}", colour), no_wrap=True, overflow="ellipsis")
        if self.muted:
            line.append(f"{'muted':<{CELLS + 12}}", "bold red")
        elif self.level is not None:
            share = 1 - max(min(self.level, 0.0), QUIETEST) / QUIETEST
            cells = round(CELLS * share)
            line.append("█" * cells, "green" if share < 0.9 else "red")
            line.append("─" * (CELLS - cells), "dim")
            line.append(f"{max(self.level, QUIETEST):5.0f} dBFS  ")
        if self.text:
            text = printable(self.text)
            spoken = 0 if self.speaking_since is None else max(0, int((now - self.speaking_since) * PACE))
            line.append(text[max(0, spoken - BEHIND) : spoken])
            line.append(text[spoken:], "dim")
        return line


def assistant_line(text: str, heard: str) -> Text:
    """What the assistant said, with what nobody heard of it apart."""
    line = Text.assemble(("assistant: ", "yellow"), printable(heard))
    if unheard := printable(text[len(heard) :]):
        line.append(" [not heard: " if heard else "[not heard: ", "dim")
        line.append(unheard, "dim")
        line.append("]", "dim")
    return line


def user_line(transcript: str) -> Text:
    return Text.assemble(("user: ", "cyan"), printable(transcript) or ("(nothing that was understood)", "dim"))


@define
class Display:
    """A context: on a terminal its last line is alive inside and gone afterwards, and the ``footer`` below it too."""

    console: Console
    scene: Scene = field(factory=Scene)
    footer: Text | None = None
    _live: Live | None = field(default=None, init=False)
    _pen: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    @property
    def lives(self) -> bool:
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def __enter__(self) -> Self:
        if self.lives:
            self._live = Live(
                self._picture(0.0),
                console=self.console,
                auto_refresh=False,
                transient=True,
            )
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @contextmanager
    def aside(self) -> Generator[None]:
        """Others have the terminal inside, with its cursor."""
        if self._live is not None:
            self.console.show_cursor(True)
        yield
        if self._live is not None:
            self.console.show_cursor(False)

    def _picture(self, now: float) -> RenderableType:
        status = self.scene.status(now)
        return status if self.footer is None else Group(status, self.footer)

    async def follow(self, events: AsyncIterable[Event | Text]) -> None:
        """Show ``events``, and lines that stay, until they end."""
        async with trio.open_nursery() as nursery:
            if self._live is not None:
                nursery.start_soon(self._animate, self._live)
            async for event in events:
                line = event if isinstance(event, Text) else self.scene.take(event)
                if line is not None:
                    await self._write(partial(self.console.print, line))
            nursery.cancel_scope.cancel("nothing more happens")

    async def _animate(self, live: Live) -> None:
        while True:
            await self._write(partial(live.update, self._picture(trio.current_time()), refresh=True))
            await trio.sleep(1 / FRAMES_PER_SECOND)

    async def _write(self, write: Callable[[], None]) -> None:
        with writing():
            await trio.to_thread.run_sync(write, limiter=self._pen, abandon_on_cancel=True)
