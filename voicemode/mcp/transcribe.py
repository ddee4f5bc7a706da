"""The tool ``transcribe``: a file, or the recordings whose words are still owed, in; their words out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import trio
from msgspec import Meta

from actors.errors import SettingsError, VoiceError
from voicemode import Settings

from .arguments import Arguments

if TYPE_CHECKING:
    from voicemode.finishing import Finished

IN_USE = "It is being recorded, or transcribed by another program."


class TranscribeArguments(Arguments):
    path: Annotated[str, Meta(description="An audio file")] | None = None
    pending: Annotated[bool, Meta(description="All recordings that wait for their words")] = False


class Words(msgspec.Struct, kw_only=True, omit_defaults=True):
    file: str
    transcript: str = ""
    engine: str = ""
    error: str = ""

    def in_words(self) -> str:
        if self.error:
            return (
                f"{self.transcript} ({self.error})" if self.transcript else f"not transcribed, and kept. {self.error}"
            )
        return self.transcript or "no speech"


class TranscribeAnswer(msgspec.Struct, kw_only=True):
    files: list[Words]

    def in_words(self) -> str:
        if not self.files:
            return "No recording waits for its words."
        if len(self.files) == 1 and not self.files[0].error:
            return self.files[0].transcript or "No speech detected."
        return "\n".join(f"{each.file}: {each.in_words()}" for each in self.files)


async def transcribe(settings: Settings, given: TranscribeArguments) -> TranscribeAnswer:
    """Raises SettingsError unless one of both is asked for, and VoiceError when a file cannot be transcribed."""
    from voicemode.audio.files import load_audio
    from voicemode.audio.pending import waiting
    from voicemode.finishing import RATE, finish
    from voicemode.speech.recognising import recognising

    if given.pending == (given.path is not None):
        raise SettingsError("Give a path, or pending for the recordings that wait for their words.")
    if given.path is not None:
        path = Path(await trio.Path(given.path).expanduser())
        async with recognising(settings) as engine:
            sound = await load_audio(path, RATE)
            transcript = await engine.transcribe(sound.pcm, sound.rate, phrases=settings.phrases)
        return TranscribeAnswer(
            files=[Words(file=str(path), transcript=transcript.text.strip(), engine=transcript.engine)]
        )
    found = await trio.to_thread.run_sync(waiting, settings.base_dir)
    if not found:
        return TranscribeAnswer(files=[])
    async with recognising(settings) as engine:
        finished = [await finish(each, settings, engine) for each in found]
    answer = TranscribeAnswer(files=[_words_of(each) for each in finished if each.state != "gone"])
    if answer.files and all(each.error for each in answer.files):
        raise VoiceError(answer.in_words())
    return answer


def _words_of(finished: Finished) -> Words:
    said = finished.transcript
    return Words(
        file=str(finished.file),
        transcript=finished.text,
        engine="" if said is None else said.engine,
        error=IN_USE if finished.state == "in use" else "" if finished.error is None else str(finished.error),
    )
