"""A dialogue with somebody to talk to: what they do in, what the dialogue commands out, at times that add up."""

from __future__ import annotations

from typing import TypeVar

from actors.errors import ProviderUnavailable
from actors.machines.dialogue import Dialogue
from actors.machines.policy import TurnPolicy
from actors.messages import (
    Drafted,
    DraftId,
    SpeakingStarted,
    SpeechActivity,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    StreamId,
    Transcript,
    TurnId,
)
from actors.orders import Begin, Command, DraftFailed, Evidence, Expect, Input, OpenMicrophone, Tick, TurnJudged
from actors.results import TurnResult
from tests.machines.feeding import ONE, WINDOW, result, spoken, transcribed, utterance, voiced

C = TypeVar("C", bound=Command)
PAUSE = 0.2


class Scene:
    """One turn that has begun; ``commands`` are those of the last thing that happened."""

    def __init__(
        self,
        policy: TurnPolicy | None = None,
        *,
        engine: str | None = None,
        listen: bool = True,
        keep: bool = False,
        drafts: bool = True,
        live: bool = False,
        sound: bool = False,
    ) -> None:
        self.dialogue = Dialogue(policy or TurnPolicy())
        self.now, self.turn, self.stream = 0.0, ONE, StreamId(1)
        self.voice_ended = 0.0
        self.commands: list[Command] = []
        self.evidence = Evidence(drafts=drafts, live=live, sound=sound)
        self.begins(engine=engine, listen=listen, keep=keep)

    def feed(self, event: Input) -> list[Command]:
        self.commands = self.dialogue.feed(event, self.now)
        for command in self.commands:
            if isinstance(command, OpenMicrophone):
                self.stream = command.stream
        return self.commands

    def begins(
        self, *, engine: str | None = None, listen: bool = True, keep: bool = False, turn: TurnId = ONE
    ) -> list[Command]:
        self.turn = turn
        return self.feed(
            Begin(turn=turn, engine=engine, listen=listen, overhear=True, keep=keep, evidence=self.evidence)
        )

    def all(self, kind: type[C]) -> list[C]:
        return [command for command in self.commands if isinstance(command, kind)]

    def only(self, kind: type[C]) -> C:
        [command] = self.all(kind)
        return command

    @property
    def patience(self) -> float:
        """Seconds for which the pause is waited out, as was said last."""
        expected = self.all(Expect)[-1]
        assert (expected.stream, expected.pause) == (self.stream, self.voice_ended)
        return round(expected.until - expected.pause, 6)

    def time_passes(self, seconds: float) -> list[Command]:
        self.now += seconds
        return self.feed(Tick())

    def assistant_sounds(self) -> list[Command]:
        return self.feed(SpeakingStarted(turn=self.turn, at=self.now))

    def assistant_ends(self, heard: str = "Hello there.") -> list[Command]:
        return self.feed(spoken(self.turn, heard, complete=heard == "Hello there."))

    def user_says(self, seconds: float = 0.96) -> list[Command]:
        """They begin, or go on after a pause; all commands meanwhile."""
        commands: list[Command] = []
        began = self.now
        windows = round(seconds / WINDOW)
        for window in range(windows):
            self.now = began + (window + 1) * WINDOW
            commands += self.feed(voiced(self.now, self.stream))
            if window == min(2, windows - 1):
                commands += self.feed(SpeechStarted(stream=self.stream, at=began, probability=0.9, level=-20.0))
        self.voice_ended = self.now
        self.commands = commands
        return commands

    def user_goes_on(self, seconds: float = 0.96) -> list[Command]:
        began = self.now
        self.now += WINDOW
        commands = self.feed(voiced(self.now, self.stream))
        commands += self.feed(SpeechResumed(stream=self.stream, at=began, probability=0.9, level=-20.0))
        for window in range(1, round(seconds / WINDOW)):
            self.now = began + (window + 1) * WINDOW
            commands += self.feed(voiced(self.now, self.stream))
        self.voice_ended = self.now
        self.commands = commands
        return commands

    def noise_goes_on(self, seconds: float, probability: float = 0.4) -> list[Command]:
        """It is a little less than a voice, and nobody falls silent; the dialogue is woken when it wants to be."""
        commands: list[Command] = []
        for _ in range(round(seconds / WINDOW)):
            self.now += WINDOW
            window = SpeechActivity(
                stream=self.stream, at=self.now, duration=WINDOW, probability=probability, level=-30.0
            )
            commands += self.feed(window)
            if self.dialogue.deadline is not None and self.dialogue.deadline <= self.now:
                commands += self.feed(Tick())
        self.voice_ended = self.now
        self.commands = commands
        return commands

    def user_pauses(self) -> list[Command]:
        self.now = self.voice_ended + PAUSE
        return self.feed(SpeechPaused(stream=self.stream, at=self.voice_ended, probability=0.0, level=-60.0))

    def user_ends(self, after: float = 0.7) -> list[Command]:
        self.now = max(self.now, self.voice_ended + after)
        return self.feed(
            SpeechEnded(stream=self.stream, at=self.voice_ended, decided=self.now, probability=0.0, level=-60.0)
        )

    def draft_says(self, text: str, number: int = 1, utterance: int = 1) -> list[Command]:
        transcript = Transcript(text=text, engine="ears", seconds=0.05)
        return self.feed(Drafted(turn=self.turn, at=self.now, draft=DraftId(utterance, number), transcript=transcript))

    def draft_fails(self, number: int = 1, utterance: int = 1) -> list[Command]:
        error = ProviderUnavailable("ears", "The recogniser is gone.")
        return self.feed(DraftFailed(turn=self.turn, draft=DraftId(utterance, number), error=error))

    def sound_is_judged(self, probability: float | None, number: int = 1, utterance: int = 1) -> list[Command]:
        return self.feed(TurnJudged(turn=self.turn, draft=DraftId(utterance, number), probability=probability))

    def recorded(self, number: int = 1) -> list[Command]:
        return self.feed(utterance(number))

    def transcript_comes(self, text: str = "hi") -> list[Command]:
        return self.feed(transcribed(text, self.turn))

    @property
    def result(self) -> TurnResult:
        return result(self.commands)
