"""Everything that may happen in a conversation, at any time and in any order, for tests of what is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from actors.account import SpokenText
from actors.errors import DeviceLost, ProviderUnavailable
from actors.events import (
    BargedIn,
    Chimed,
    Ducked,
    Muted,
    ReplySpeculated,
    StateChanged,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UserAway,
    UtteranceRecorded,
    WentOn,
)
from actors.messages import (
    Drafted,
    DraftId,
    MicrophoneClosed,
    MicrophoneFailed,
    MicrophoneOpened,
    ProviderFailure,
    Service,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechActivity,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
    Spoken,
    StreamId,
    TextPiece,
    Transcribed,
    Transcript,
    TurnId,
    Utterance,
    VoiceChanged,
)
from actors.results import Engines, Speculation, Timings, TurnResult
from voicemode.telemetry.values import CallAnswered, CallBegan, CallEnded, Span

WORD = "xylophone"
"""Was said, and is in every text."""

STREAM = StreamId(1)
FAILURE = ProviderFailure(service="stt", provider="whisper", code="timeout", reason=f"no {WORD}", seconds=1.5)
TRANSCRIPT = Transcript(text=WORD, engine="sphinx", seconds=0.2, failures=(FAILURE,))


def utterance(start: float, end: float) -> Utterance:
    return Utterance(number=1, stream=STREAM, start=start, end=end, pcm=b"", rate=16_000, path=Path(f"/{WORD}.wav"))


def result(turn: TurnId, **known: Any) -> TurnResult:
    defaults: dict[str, Any] = {
        "outcome": "heard",
        "transcript": WORD,
        "spoken": SpokenText(text=WORD, heard=WORD, complete=True),
        "engines": Engines(tts="espeak", stt="sphinx"),
        "timings": Timings(speech_end_to_transcript_ms=250.0),
        "failures": (FAILURE,),
        "speculation": Speculation(drafts=2, wasted=1, used=True),
    }
    return TurnResult(turn=turn, **(defaults | known))


def failed(turn: TurnId, at: float, service: Service | None = None) -> TurnFailed:
    error = ProviderUnavailable("whisper", f"whisper did not hear {WORD}.", code="unreachable")
    error.recording = Path(f"/{WORD}.wav")
    return TurnFailed(turn=turn, at=at, error=error, service=service)


TIMES = st.floats(0, 100)
NUMBERS = st.integers(1, 4)


@st.composite
def anything(draw: st.DrawFn) -> Any:
    at, other, number = draw(TIMES), draw(TIMES), draw(NUMBERS)
    turn = TurnId(draw(NUMBERS))
    voice: dict[str, Any] = {"stream": STREAM, "at": at, "probability": 0.9, "level": -20.0}
    lost = DeviceLost("It went.")
    return draw(
        st.sampled_from(
            [
                TurnStarted(turn=turn, at=at),
                TurnStarted(turn=turn, at=at),
                TurnEnded(turn=turn, at=at, result=result(turn)),
                TurnEnded(turn=turn, at=at, result=result(turn), raised="ArithmeticError"),
                failed(turn, at),
                failed(turn, at, "stt"),
                *(StateChanged(turn=turn, at=at, state=state) for state in ("idle", "listening", "speaking")),
                MicrophoneOpened(stream=STREAM, at=at),
                MicrophoneClosed(stream=STREAM, at=at),
                MicrophoneFailed(stream=STREAM, at=at, error=lost),
                SpeakerOpened(at=at),
                SpeakerFailed(at=at, error=lost),
                SpeechActivity(duration=0.032, **voice),
                SpeechStarted(**voice),
                SpeechPaused(**voice),
                SpeechEnded(decided=other, **voice),
                Ducked(turn=turn, at=at, held=number > 2),
                WentOn(turn=turn, at=at),
                BargedIn(turn=turn, at=at, began=other),
                UserAway(turn=turn, at=at, since=other),
                Chimed(turn=turn, at=at, chime="done"),
                Muted(at=at, muted=True),
                SpeakingStarted(turn=turn, at=at),
                Spoken(turn=turn, text=WORD, heard=WORD, complete=True, samples=number, at=at),
                VoiceChanged(turn=turn, at=at, engine="espeak", failures=(FAILURE,)),
                TextPiece(turn=turn, index=0, start=0, text=WORD),
                UtteranceRecorded(turn=turn, at=at, utterance=utterance(min(at, other), max(at, other))),
                Drafted(turn=turn, at=at, draft=DraftId(1, 1), transcript=TRANSCRIPT),
                Transcribed(turn=turn, at=at, transcript=TRANSCRIPT),
                ReplySpeculated(turn=turn, at=at, fate="used", begun=1, used=1, dropped=0),
                CallBegan(number=number, at=at, kind="agent", name="clerk"),
                CallBegan(number=number, at=at, kind="speak", name="espeak", service="tts", text=WORD),
                CallBegan(number=number, at=at, kind="engine", name="whisper", service="stt"),
                CallAnswered(number=number, at=at, name="espeak"),
                CallEnded(number=number, at=at, error="timeout" if number > 2 else None, cancelled=number == 1),
            ]
        )
    )


def check(spans: tuple[Span, ...]) -> None:
    """It is a tree: ended once, nothing negative, parents before their children, which they hold."""
    assert [span.key for span in spans] == list(range(len(spans)))
    assert [span.parent for span in spans if span.parent is None] == [None]
    for span in spans:
        assert span.begin <= span.end
        if span.parent is not None:
            parent = spans[span.parent]
            assert parent.key < span.key
            assert parent.begin <= span.begin
            assert span.end <= parent.end
