"""What a turn is given: what somebody asks for, and what of the outside may be used for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import field, frozen

from .events import Event
from .expectation import Expectation
from .gate import Gate
from .growing import Recordings
from .messages import Chime, TurnId
from .ports import Playback, SpeechToText, TextToSpeech, TurnModel, UtteranceStore, Words
from .recent import Recent
from .results import Presumed
from .transport import Transport


@frozen(kw_only=True)
class Outside:
    """What a turn may use of the outside; ``chimes`` are at the playback's rate, and one that is missing is silent.

    With ``shown`` the assistant's words are read by whoever watches, and nothing is played."""

    gate: Gate
    playback: Playback | None
    tts: TextToSpeech | None
    stt: SpeechToText | None
    store: UtteranceStore
    publish: Callable[[Event], None]
    expectation: Expectation
    recordings: Recordings
    transport: Transport
    recent: Recent
    judge: TurnModel | None = None
    chimes: Mapping[Chime, bytes] = field(factory=dict[Chime, bytes])
    shown: bool = False


@frozen(kw_only=True)
class Request:
    """A turn somebody asks for: words to say or None, and whether to listen afterwards.

    ``overhear`` lets the user speak over the words even when nobody listens afterwards.
    ``keep`` leaves the microphone open for the next turn; ``phrases`` are what the user is expected to say.
    ``presume`` is told, once the assistant is done, what the user has said if they look done, and None if not so.
    ``remember`` is told what was heard of the assistant and what the user has said, however the turn ends.
    """

    turn: TurnId
    words: Words | None
    listen: bool
    overhear: bool = False
    keep: bool = False
    voice: str | None = None
    speed: float | None = None
    phrases: Sequence[str] = field(default=())
    presume: Callable[[Presumed | None], None] | None = None
    remember: Callable[[str, str], None] | None = None
