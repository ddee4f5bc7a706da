"""What the user says to the machine itself: a turn that has been understood in, what is done about it out.

It keeps nothing of its own: what is put off, said again or taken up is the turn's and the microphone's.
"""

from __future__ import annotations

from attrs import define, evolve

from ..orders import Command, Repeat, Settle
from .hearing import Hearing
from .listening import Listening
from .spoken_commands import Command as SpokenCommand, SpokenCommands, command_in
from .turn import Turn
from .voice import Voice


@define
class Obeying:
    """Appends to ``commands``."""

    commands: list[Command]
    hearing: Hearing
    listening: Listening

    def take_up(self, turn: Turn, between: Voice, now: float) -> None:
        """What the user has said meanwhile is what they say in ``turn``."""
        turn.voice, self.hearing.between = between, None
        self.listening.spoke(turn, now)
        if between.utterance is not None:
            self.hearing.transcribe(turn, between, between.utterance, now)
        elif between.ended is None and between.quiet_since is not None:
            between.meant = True
            self.listening.end(turn, between, between.quiet_since)
            self.listening.chime(turn, "captured")
        elif between.ended is None:
            self.hearing.mean(turn, between, self.listening.stream)

    def obey(self, turn: Turn | None, spoken: SpokenCommands, rest: float, now: float) -> None:
        """Do what the user said in ``turn`` if that is one of ``spoken``; all but a stop can wait for the assistant's
        last word.  Who wants to wait is left alone for ``rest`` seconds."""
        if turn is None or turn.stopped or turn.voice is None or turn.voice.transcript is None or turn.voice.obeyed:
            return
        command = command_in(turn.voice.transcript.text, spoken)
        if command is not None and command.kind == "stop":
            turn.stopped = True
            self.commands += turn.hush(None)
        if turn.talking:
            return
        turn.voice.obeyed = True
        match command:
            case SpokenCommand(kind="end"):
                turn.voice.transcript = evolve(turn.voice.transcript, text=command.text)
            case SpokenCommand(kind="repeat" | "wait") if turn.listen:
                if turn.recording is not None:
                    self.commands.append(Settle(turn.recording))
                self._put_off(turn, command, rest, now)
            case _:
                pass

    def _put_off(self, turn: Turn, command: SpokenCommand, rest: float, now: float) -> None:
        """The user's answer is still to come, unless they have gone on to give it."""
        between = self.hearing.between
        if between is not None and between.meant and (between.ended is not None or self.listening.stream is not None):
            self.take_up(turn, between, now)
        elif command.kind == "repeat":
            self.say_again(turn)
        else:
            self.hearing.drop_between()
            self.listening.close()
            turn.rests_until, turn.voice = now + rest, None

    def say_again(self, turn: Turn) -> None:
        """The assistant says again what it said last, and the user is listened to anew."""
        turn.say_again()
        if self.listening.stream is None:
            self.hearing.drop_between()
        turn.voice, self.hearing.between = self.hearing.between, None
        self.listening.taken()
        self.listening.open()
        self.commands.append(Repeat(turn.id))
