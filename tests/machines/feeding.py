"""What the tests of the dialogue feed it, and how they read its commands."""

from __future__ import annotations

from pathlib import Path

from actors.errors import DeviceError
from actors.machines.dialogue import Dialogue
from actors.messages import (
    Chime,
    MicrophoneFailed,
    MicrophoneOpened,
    SpeechActivity,
    SpeechEnded,
    SpeechStarted,
    Spoken,
    StreamId,
    Transcribed,
    Transcript,
    TurnId,
    Utterance,
)
from actors.orders import Begin, Command, Finish, PlayChime
from actors.results import TurnResult

ONE, STREAM = TurnId(1), StreamId(1)
WINDOW = 0.032


def started(at: float, stream: StreamId = STREAM) -> SpeechStarted:
    return SpeechStarted(stream=stream, at=at, probability=0.9, level=-20.0)


def ended(at: float, stream: StreamId = STREAM) -> SpeechEnded:
    return SpeechEnded(stream=stream, at=at, decided=at + 0.7, probability=0.1, level=-60.0)


def voiced(at: float, stream: StreamId = STREAM) -> SpeechActivity:
    return SpeechActivity(stream=stream, at=at, duration=WINDOW, probability=0.9, level=-20.0)


def spoken(turn: TurnId = ONE, heard: str = "Hello there.", *, complete: bool = True) -> Spoken:
    return Spoken(turn=turn, text="Hello there.", heard=heard, complete=complete, samples=1, at=0.0)


def utterance(number: int = 1, path: Path | None = Path("said.wav")) -> Utterance:
    return Utterance(number=number, stream=STREAM, start=0.0, end=1.0, pcm=b"", rate=16000, path=path)


def transcribed(text: str = "hi", turn: TurnId = ONE) -> Transcribed:
    return Transcribed(turn=turn, at=0.0, transcript=Transcript(text=text, engine="ears", seconds=0.05))


def begin(*, engine: str | None = "mouth", listen: bool = True, keep: bool = False, turn: TurnId = ONE) -> Begin:
    return Begin(turn=turn, engine=engine, listen=listen, keep=keep)


def opened(at: float, stream: int = 1) -> MicrophoneOpened:
    return MicrophoneOpened(stream=StreamId(stream), at=at)


def microphone_failed(at: float, stream: int = 1, reason: str = "The microphone was pulled out.") -> MicrophoneFailed:
    return MicrophoneFailed(stream=StreamId(stream), at=at, error=DeviceError(reason))


def chimes(commands: list[Command]) -> list[Chime]:
    return [command.chime for command in commands if isinstance(command, PlayChime)]


def result(commands: list[Command]) -> TurnResult:
    [finish] = [command for command in commands if isinstance(command, Finish)]
    return finish.result


def speak_over(dialogue: Dialogue, at: float) -> list[Command]:
    """Feed enough voice from ``at`` on to be an interruption."""
    commands = dialogue.feed(started(at), at + 3 * WINDOW)
    for window in range(1, 10):
        commands += dialogue.feed(voiced(at + window * WINDOW), at + window * WINDOW)
    return commands
