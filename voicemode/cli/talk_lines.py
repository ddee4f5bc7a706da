"""A talk for programs.  In: its events and failures.  Out: a line of JSON for all that was said, ended, failed, or got
lost; each has its ``event``, and the turn it belongs to where there is one.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

import click
import msgspec
import trio
from attrs import asdict, define, field

from actors.errors import VoiceError
from actors.events import Event, Muted, TurnEnded
from actors.messages import (
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakerOpened,
    Spoken,
    Transcribed,
    VoiceChanged,
)

from .output import account_of, printable, writing
from .talking import Notice, Shown
from .tally import TalkSummary


@define
class Lines:
    """A ``View`` of a talk; what a program says on its standard error goes to ours."""

    out: TextIO
    _pen: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    def showing(self) -> AbstractContextManager[object]:
        return nullcontext()

    def aside(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def follow(self, events: AsyncIterable[Shown]) -> None:
        async for event in events:
            if isinstance(event, Notice):
                click.echo(f"{event.who}: {printable(event.text)}", err=True)
                continue
            line = line_of(event)
            if line is not None:
                await trio.to_thread.run_sync(self._write, line, limiter=self._pen, abandon_on_cancel=True)

    def close(self, summary: TalkSummary) -> None:
        """The last line."""
        self._write({"event": "ended", **summary.as_json()})

    def _write(self, line: dict[str, object]) -> None:
        with writing():
            self.out.write(msgspec.json.encode(line, enc_hook=printable).decode() + "\n")
            self.out.flush()


def line_of(event: Event | VoiceError) -> dict[str, object] | None:
    """What a program is told of ``event``, if anything."""
    match event:
        case Spoken() if event.text:
            spoken: dict[str, object] = {"text": event.text, "heard": event.heard, "complete": event.complete}
            return {"event": "assistant", "turn": event.turn, **spoken}
        case Transcribed():
            return {"event": "user", "turn": event.turn, "text": event.transcript.text}
        case VoiceChanged():
            failures = [asdict(failure) for failure in event.failures]
            return {"event": "voice", "turn": event.turn, "engine": event.engine, "failures": failures}
        case TurnEnded():
            return {"event": "turn", **asdict(event.result)}
        case VoiceError():
            return _error(event)
        case MicrophoneFailed() | SpeakerFailed():
            device = "microphone" if isinstance(event, MicrophoneFailed) else "speaker"
            return {"event": "lost", "device": device, "reason": str(event.error)}
        case MicrophoneOpened() | SpeakerOpened():
            return {"event": "open", "device": "microphone" if isinstance(event, MicrophoneOpened) else "speaker"}
        case Muted():
            return {"event": "muted", "muted": event.muted}
        case _:
            return None


def _error(error: VoiceError) -> dict[str, object]:
    return {"event": "error", "message": str(error), "type": type(error).__name__, **account_of(error)}
