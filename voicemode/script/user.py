"""The user of a script: what happens in the conversation in, their voice in the microphone's world out."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import frozen

from actors.events import Event, StateChanged
from actors.messages import MicrophoneOpened, SpeakingStarted

from ..audio.files import Sound
from ..audio.virtual_microphone import VirtualMicrophone


@frozen(kw_only=True)
class Line:
    """What the user is to say: ``sound``, ``seconds`` after the assistant began to speak, or after listening began.

    When the assistant says nothing after all, the former counts from when listening begins too.
    """

    sound: Sound
    seconds: float
    over_assistant: bool


class ScriptedMicrophone(VirtualMicrophone):
    """Says the lines it is given, each once, at its moment; tells everything that happens to ``tell``."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__()
        self._tell = tell
        self._line: Line | None = None
        self._listening = False
        self.said_at: float | None = None

    def prepare(self, line: Line | None) -> None:
        """The line for the next turn.  ``said_at`` is when it begins, on the Trio clock, once that is known."""
        self._line, self.said_at, self._listening = line, None, False

    def cue(self, event: Event) -> None:
        self._tell(event)
        line = self._line
        match event:
            case SpeakingStarted() if line is not None and line.over_assistant:
                self._say(line, event.at)
            case StateChanged():
                self._listening = event.state == "listening"
                if self._listening and self.is_open:
                    self._say(line, event.at)
            case MicrophoneOpened() if self._listening:
                self._say(line, event.at)
            case _:
                pass

    def _say(self, line: Line | None, since: float) -> None:
        if line is not None:
            # what has been taken already cannot be spoken into any more
            self.said_at = max(since + line.seconds, self.taken_until, trio.current_time())
            self._line = None
            self.place(line.sound, self.said_at)
