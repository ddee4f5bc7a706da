"""A microphone that hears one recording, begun when something happens in the conversation, and silence after it."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Literal

from attrs import field, frozen, validators

from actors.errors import SettingsError
from actors.events import Event, StateChanged
from actors.messages import SpeakingStarted

from .files import Sound, read_audio, resampled
from .virtual_microphone import MicrophoneStream, VirtualMicrophone


@frozen(kw_only=True)
class Start:
    """The recording begins ``seconds`` after the microphone first ``opens``, after ``listening`` first begins, or
    after the first sample of the first ``speech`` of the assistant."""

    after: Literal["opening", "listening", "speech"] = "listening"
    seconds: float = field(default=0.0, validator=[validators.ge(0), validators.lt(math.inf)])

    @classmethod
    def parse(cls, text: str) -> Start:
        """Read ``0``, ``listen`` or ``speech+SECONDS``.  Raises SettingsError."""
        if text == "0":
            return cls(after="opening")
        if text == "listen":
            return cls(after="listening")
        if seconds := re.fullmatch(r"speech\+(\d{1,6}(?:\.\d*)?|\.\d+)", text):
            return cls(after="speech", seconds=float(seconds[1]))
        raise SettingsError(
            f"start={text} is not a start; write start=0 (when the microphone first opens), start=listen (when "
            "listening begins) or start=speech+SECONDS (so long after the assistant begins to speak)."
        )


class FileMicrophone(VirtualMicrophone):
    """Says ``sound`` once.  A path is decoded here and now, which blocks; raises AudioFileError.

    A cue that comes late costs nothing: the recording begins when it is due or with the next sample that was not yet
    delivered.  When listening begins before the microphone is open, the recording waits for it.
    """

    def __init__(self, sound: Path | Sound, start: Start = Start()) -> None:
        super().__init__()
        self._sound = sound if isinstance(sound, Sound) else read_audio(sound, None)
        self._ready = self._sound
        self._start = start
        self._due: float | None = None
        self._said = False

    def on_open(self, stream: MicrophoneStream) -> None:
        self._ready = resampled(self._sound, stream.rate)
        if self._start.after == "opening" and self._due is None:
            self._due = stream.opened + self._start.seconds
        if self._due is not None:
            self._say(max(self._due, stream.opened))

    def cue(self, event: Event) -> None:
        """Listen for the start: a ``StateChanged`` to listening or a ``SpeakingStarted``."""
        if self._due is not None:
            return
        match event:
            case StateChanged(state="listening") if self._start.after == "listening":
                self._due = event.at + self._start.seconds
                if self.is_open:
                    self._say(self._due)
            case SpeakingStarted() if self._start.after == "speech":
                self._due = event.at + self._start.seconds
                self._say(self._due)
            case _:
                pass

    def _say(self, due: float) -> None:
        if not self._said:
            self._said = True
            self.place(self._ready, max(due, self.taken_until))
