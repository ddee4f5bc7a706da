"""Whose turn it is to be heard: the microphone opened, closed and lost in, the user invited and their words ended out.

It owns the microphone of a conversation, what the user was told of it, and whether they are there.
"""

from __future__ import annotations

from attrs import define, field

from ..errors import DeviceError
from ..messages import Chime, MicrophoneFailed, MicrophoneOpened, StreamId
from ..orders import CloseMicrophone, Command, OpenMicrophone, PlayChime, TellBack
from .hearing import Hearing
from .losses import Losses
from .presence import Presence
from .turn import Turn
from .voice import Voice


@define
class Listening:
    """Appends to ``commands``.  ``stream`` is the opening of the microphone that counts, None while it is closed.

    ``_opened``: the microphone has been open before; ``_invited``: the user knows that it is their turn.
    """

    commands: list[Command]
    hearing: Hearing
    losses: Losses
    presence: Presence = field(factory=Presence, init=False)
    stream: StreamId | None = field(default=None, init=False)
    _opened: bool = field(default=False, init=False)
    _invited: bool = field(default=False, init=False)
    _streams: int = field(default=0, init=False)

    def opened(self, turn: Turn | None, event: MicrophoneOpened) -> None:
        self._opened = True
        if self.losses.back("microphone", event.at):
            self.invite(turn)

    def taken(self) -> None:
        """The assistant is going to speak."""
        self._invited = False

    def open(self) -> None:
        if self.stream is None:
            self.losses.retry_at = None
            self._streams += 1
            self.stream = StreamId(self._streams)
            self.hearing.open()
            self.commands.append(OpenMicrophone(self.stream))

    def close(self) -> None:
        self.losses.dismiss()
        self._invited = False
        if self.stream is not None:
            self.stream = None
            self.commands.append(CloseMicrophone())

    def invite(self, turn: Turn | None) -> None:
        """It is the user's turn to speak; they are told so once."""
        if turn is not None and turn.awaits_user and not self._invited and not self.losses.absent("microphone"):
            self._invited = True
            self.chime(turn, "listening")

    def chime(self, turn: Turn, chime: Chime) -> None:
        self.commands.append(PlayChime(turn.id, chime))

    def spoke(self, turn: Turn, now: float) -> None:
        """The user is there, and told so if they had been away."""
        if self.presence.spoke(now):
            self.commands.append(TellBack(turn.id))

    def end(self, turn: Turn | None, voice: Voice, at: float, *, tail: bool = True) -> None:
        """``voice`` ends at ``at``, with the ``tail`` of sound after it if there is any."""
        self.hearing.end(turn, voice, at, tail=tail)
        if turn is not None:
            self.ended(turn)

    def ended(self, turn: Turn) -> None:
        """The microphone is closed, if it is not kept for the next turn."""
        self._invited = False
        if not turn.keep:
            self.close()

    def failed(self, turn: Turn | None, event: MicrophoneFailed, now: float) -> None:
        """What was said is kept; what was only begun is not, and is waited for anew."""
        self.stream, self._invited = None, False
        # what was never there cannot come back, nor can what is no device
        lost = self._opened and isinstance(event.error, DeviceError)
        if lost:
            self.losses.lost("microphone", event.at, event.error)
        if self.hearing.between is not None and not self.hearing.between.meant:
            self.hearing.drop_between()
        elif self.hearing.between is not None and self.hearing.between.ended is None:
            self.end(turn, self.hearing.between, now, tail=False)
        if turn is None or turn.understood:
            return
        if turn.voice is not None and turn.voice.meant:
            if turn.voice.ended is None:
                self.end(turn, turn.voice, now, tail=False)
            return
        if turn.voice is not None:
            self.hearing.drop(turn, turn.voice)
        if turn.listen and not lost:
            turn.error = event.error
            self.commands += turn.hush(None)

    def cut(self, turn: Turn, now: float) -> None:
        """Whatever the user is saying is kept up to now; the last of it may be on its way from the microphone."""
        if turn.voice is not None and turn.voice.ended is None:
            self._invited = False
            self.hearing.cut(turn, turn.voice, self.stream, now)
