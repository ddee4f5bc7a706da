"""What the actors say to one another and to whoever watches: frozen values without behaviour.

Times (``at``, ``start``, ``end``) are seconds on the Trio clock of the run, durations are float seconds, levels dBFS
(0 is full scale), rates Hz, and audio is signed 16-bit little-endian mono ``bytes`` together with its rate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NewType, TypeAlias

from attrs import field, frozen

from .errors import VoiceError

TurnId = NewType("TurnId", int)
"""Counts the turns of one conversation from 1; every result carries the turn it belongs to."""

StreamId = NewType("StreamId", int)
"""Counts the openings of the microphone from 1; what was heard in an earlier opening is stale in a later one."""

DeviceKind: TypeAlias = Literal["microphone", "speaker"]

Chime: TypeAlias = Literal["listening", "captured", "done"]
"""``listening``: it is the user's turn to speak; ``captured``: the end of what they said was noticed; ``done``: nobody
listens any longer, and nothing was said."""

SAMPLE_BYTES = 2

SLIP = 0.005
"""Seconds by which a frame may begin after the end of the one before and still follow it: a device's clock is not ours,
and less than half of 10 ms is never missing."""


def seconds_of(pcm: bytes, rate: int) -> float:
    """How long ``pcm`` lasts at ``rate``, in seconds."""
    return len(pcm) / (SAMPLE_BYTES * rate)


@frozen(kw_only=True)
class AudioFrame:
    """A few milliseconds from the microphone; ``start`` is when its first sample was taken."""

    start: float
    pcm: bytes = field(repr=False)
    rate: int
    stream: StreamId = StreamId(0)

    @property
    def end(self) -> float:
        return self.start + seconds_of(self.pcm, self.rate)

    def missing_after(self, end: float) -> float:
        """Seconds of sound that were lost between ``end``, that of the frame before, and this one."""
        missing = self.start - end
        return missing if missing > SLIP else 0.0


def size_of(frame: AudioFrame) -> int:
    """Its bytes of sound."""
    return len(frame.pcm)


@frozen(kw_only=True)
class SpeechActivity:
    """One analysed window: how likely it is speech and how loud it was.  ``at`` is the window's end."""

    stream: StreamId
    at: float
    duration: float
    probability: float
    level: float


@frozen(kw_only=True)
class SpeechStarted:
    """The user began to speak; ``at`` is the start of the first voiced window, earlier than this message."""

    stream: StreamId
    at: float
    probability: float
    level: float


@frozen(kw_only=True)
class SpeechPaused:
    """The user fell silent, perhaps only for a moment; ``at`` is the end of the last voiced window."""

    stream: StreamId
    at: float
    probability: float
    level: float


@frozen(kw_only=True)
class SpeechResumed:
    """The user went on before the pause was long enough to end the utterance; ``at`` is the first voiced window."""

    stream: StreamId
    at: float
    probability: float
    level: float


@frozen(kw_only=True)
class SpeechEnded:
    """The pause outlasted the hangover; ``at`` is the end of the last voiced window, ``decided`` the decision's."""

    stream: StreamId
    at: float
    decided: float
    probability: float
    level: float


SpeechEvent: TypeAlias = SpeechActivity | SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded


@frozen(kw_only=True)
class MicrophoneOpened:
    stream: StreamId
    at: float


@frozen(kw_only=True)
class MicrophoneClosed:
    stream: StreamId
    at: float


@frozen(kw_only=True)
class MicrophoneFailed:
    """The microphone could not be opened or died; nothing more comes from this stream."""

    stream: StreamId
    at: float
    error: VoiceError


@frozen(kw_only=True)
class SpeakerOpened:
    """The speaker is back after it had failed, or there for the first time."""

    at: float


@frozen(kw_only=True)
class SpeakerFailed:
    """The speaker died; what was not yet played waits for it to come back."""

    at: float
    error: VoiceError


@frozen(kw_only=True)
class Utterance:
    """What the user said in one go, with the pre-roll before it; ``path`` is where it is spooled."""

    number: int
    stream: StreamId
    start: float
    end: float
    pcm: bytes = field(repr=False)
    rate: int
    path: Path | None


Service: TypeAlias = Literal["tts", "stt"]

Place: TypeAlias = Literal["embedded", "local", "remote"]
"""Where an engine works: in this process, on this machine or network, or at somebody else's, who may want money."""


@frozen(kw_only=True)
class ProviderFailure:
    """An engine that was asked during a turn and did not do it, so that another one was.

    ``code`` and ``reason`` are the error's; ``seconds`` how long it was waited for.
    """

    service: Service
    provider: str
    code: str
    reason: str
    seconds: float


@frozen(kw_only=True)
class HeardWord:
    """A word as the engine heard it, said from ``begin`` to ``finish`` seconds of the utterance."""

    text: str
    begin: float
    finish: float


@frozen(kw_only=True)
class Transcript:
    """What an engine made of an utterance; ``seconds`` is the engine's own time.

    ``failures`` are the engines that were asked before this one; ``words`` are there when the engine gives their times.
    """

    text: str
    engine: str
    seconds: float
    failures: tuple[ProviderFailure, ...] = ()
    words: tuple[HeardWord, ...] = ()


@frozen
class DraftId:
    """The ``number``-th transcript, from 1, that is made of an utterance before its end is certain."""

    utterance: int
    number: int


@frozen(kw_only=True)
class TextPiece:
    """A speakable piece of the turn's text: ``text`` stands at characters [start, start + len(text)) of it."""

    turn: TurnId
    index: int
    start: int
    text: str


@frozen(kw_only=True)
class WordTime:
    """A word: characters [start, end) of its piece's text, said from ``begin`` to ``finish`` seconds of its sound."""

    start: int
    end: int
    begin: float
    finish: float


@frozen(kw_only=True)
class Synthesis:
    """A stretch of audio from a speech engine, and the words that begin in it when the engine knows them.

    ``engine`` is who made it, where several may; ``failures`` are those that were asked since the stretch before.
    """

    pcm: bytes = field(repr=False)
    rate: int
    words: tuple[WordTime, ...] = ()
    engine: str | None = None
    failures: tuple[ProviderFailure, ...] = ()


@frozen(kw_only=True)
class SpeechChunk:
    """Audio of one text piece on its way to the speaker; ``last`` closes the piece (its pcm may be empty)."""

    turn: TurnId
    piece: TextPiece
    pcm: bytes = field(repr=False)
    rate: int
    words: tuple[WordTime, ...] = ()
    last: bool = False


@frozen(kw_only=True)
class VoiceChanged:
    """From here on ``engine`` makes the assistant's voice, because of ``failures``, and another one did before."""

    turn: TurnId
    at: float
    engine: str
    failures: tuple[ProviderFailure, ...]


@frozen(kw_only=True)
class SpeakingStarted:
    """The first sample of the turn's speech leaves the device at ``at``."""

    turn: TurnId
    at: float


@frozen(kw_only=True)
class Spoken:
    """The player's account when it is done or stopped; the one authority for what was heard.

    ``heard`` is a prefix of ``text``.  To the dialogue and the watchers ``text`` is all that was to be said, as far as
    it is known; to the player, what it was given.
    """

    turn: TurnId
    text: str
    heard: str
    complete: bool
    samples: int
    at: float


@frozen(kw_only=True)
class Message:
    """One side's words in the history an agent is given; an interrupted assistant's are those that were heard."""

    role: Literal["user", "assistant"]
    text: str


@frozen(kw_only=True)
class Transcribed:
    turn: TurnId
    at: float
    transcript: Transcript


@frozen(kw_only=True)
class PartlyTranscribed:
    """``text`` is all that an engine has understood so far of what the user is saying."""

    turn: TurnId
    at: float
    draft: DraftId
    text: str


@frozen(kw_only=True)
class Drafted:
    """What the user had said when they paused; they may go on."""

    turn: TurnId
    at: float
    draft: DraftId
    transcript: Transcript
