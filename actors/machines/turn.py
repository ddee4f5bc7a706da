"""What is known of one turn while it runs, and the result it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import define, evolve, field

from ..account import SpokenText
from ..errors import VoiceError
from ..messages import ProviderFailure, Spoken, Transcript, TurnId, VoiceChanged
from ..orders import Command, Evidence, Hush
from ..results import DeviceLoss, Engines, Outcome, Presumed, Speculation, Timings, TurnResult
from .finished import looks_finished
from .spoken_commands import SpokenCommands, command_in
from .voice import Voice


def milliseconds(seconds: float) -> float:
    """For people and JSON, to the microsecond."""
    return round(seconds * 1000, 3)


@define
class Turn:
    """The assistant is ``talking`` from the command to speak until the player's account is in, and ducked or held since
    ``ducked_since`` while it is undecided whether it is interrupted; ``sounded_at`` is when its first sample left the
    speaker.
    ``rests_until`` is set while nobody is listened to because the user wanted to wait; ``typed`` is what they wrote
    instead of speaking."""

    id: TurnId
    began: float
    listen: bool
    keep: bool
    talking: bool
    evidence: Evidence = field(factory=Evidence)
    timings: Timings = field(factory=Timings)
    engines: Engines = field(factory=Engines)
    spoken: SpokenText = field(factory=SpokenText)
    hushed: bool = False
    interrupted: bool = False
    stopped: bool = False
    abandoned: bool = False
    gave_up: bool = False
    listening_since: float | None = None
    error: VoiceError | None = None
    failures: tuple[ProviderFailure, ...] = ()
    voice: Voice | None = None
    typed: str | None = None
    sounded_at: float | None = None
    ducked_since: float | None = None
    rests_until: float | None = None
    false_interruptions: int = 0

    @property
    def understood(self) -> bool:
        """Whether the turn has all it wants of the user, so that more speech belongs to the next."""
        return self.typed is not None or (self.voice is not None and self.voice.ended is not None)

    @property
    def awaits_user(self) -> bool:
        """Whether it is the user's turn to speak, and they have not begun."""
        given_up = self.stopped or self.gave_up or self.error is not None or self.typed is not None
        idle = self.voice is None and not self.talking and self.rests_until is None
        return self.listen and idle and not given_up

    @property
    def complete(self) -> bool:
        """Whether nothing is left to wait for."""
        if self.talking:
            return False
        given_up = self.stopped or self.error is not None or self.typed is not None
        if self.voice is None:
            return given_up or self.gave_up or not self.listen
        return self.voice.utterance is not None and (given_up or self.voice.transcript is not None)

    def presumed(self, commands: SpokenCommands) -> Presumed | None:
        """What the user has said to the agent, if they look done: a draft of all of it is there, and by its words
        nothing is missing."""
        voice = self.voice
        if self.talking or self.stopped or self.error is not None or voice is None or not voice.meant:
            return None
        draft = voice.drafts.transcript
        if draft is None or command_in(draft.text, commands) is not None or looks_finished(draft.text) != "done":
            return None
        return Presumed(turn=self.id, text=draft.text, heard=self.spoken.heard)

    def hush(self, began: float | None) -> Iterator[Command]:
        """The assistant is told to stop, once; ``began`` is when the user who interrupts it did."""
        if self.talking and not self.hushed:
            self.hushed, self.ducked_since = True, None
            yield Hush(self.id, began)

    def say_again(self) -> None:
        """The assistant begins anew, and the user's part of the turn with it."""
        self.talking, self.hushed, self.interrupted = True, False, False
        self.voice = self.sounded_at = self.listening_since = self.rests_until = None

    def protected(self, now: float, seconds: float) -> bool:
        """Whether the assistant's first ``seconds`` are not over."""
        return seconds > 0 and (self.sounded_at is None or now < self.sounded_at + seconds)

    @property
    def recording(self) -> Path | None:
        return self.voice.utterance.path if self.voice is not None and self.voice.utterance is not None else None

    def sounded(self, at: float) -> None:
        """The first sample left the speaker."""
        self.sounded_at = at
        self.timings = evolve(self.timings, first_sample_ms=milliseconds(at - self.began))

    def forestalled(self) -> None:
        """The user was there before the assistant could begin: it says nothing, and there is nothing to hush."""
        self.interrupted, self.talking = self.talking, False
        self.spoken = SpokenText(complete=not self.interrupted)

    def voice_changed(self, event: VoiceChanged) -> None:
        self.engines = evolve(self.engines, tts=event.engine)
        self.failures += event.failures

    def accounted(self, spoken: Spoken, now: float) -> None:
        """The assistant is done, and so much of it was heard."""
        self.talking, self.ducked_since = False, None
        self.spoken = SpokenText(text=spoken.text, heard=spoken.heard, complete=spoken.complete)
        if spoken.complete:
            # the last sample had left before a stop reached the speaker
            self.interrupted = False
        self.listening_since = now

    def transcribed(self, voice: Voice, transcript: Transcript, now: float) -> None:
        voice.transcript = transcript
        self.engines = evolve(self.engines, stt=transcript.engine)
        self.failures += transcript.failures
        self.timings = evolve(
            self.timings,
            stt_ms=milliseconds(transcript.seconds),
            speech_end_to_transcript_ms=milliseconds(now - (voice.ended or now)),
        )

    def failure(self, error: VoiceError) -> VoiceError:
        """``error``, with what a result would tell of both sides."""
        error.recording, error.spoken, error.interrupted = self.recording, self.spoken, self.interrupted
        return error

    def result(self, now: float, losses: tuple[DeviceLoss, ...]) -> TurnResult:
        transcript = self.typed or ""
        if self.voice is not None and self.voice.transcript is not None:
            transcript = self.voice.transcript.text
        outcome: Outcome
        if self.stopped:
            outcome = "stopped"
        elif self.interrupted:
            outcome = "interrupted"
        elif not self.listen:
            outcome = "said"
        else:
            outcome = "heard" if transcript else "no_speech"
        return TurnResult(
            turn=self.id,
            outcome=outcome,
            transcript=transcript,
            spoken=self.spoken,
            engines=self.engines,
            timings=evolve(self.timings, total_ms=milliseconds(now - self.began)),
            utterance=self.recording,
            losses=losses,
            failures=self.failures,
            false_interruptions=self.false_interruptions,
            speculation=Speculation() if self.voice is None else self.voice.drafts.account,
        )
