"""Makes the user's side of a script before it begins: texts and files in, sounds out."""

from __future__ import annotations

from actors.ports import TextToSpeech

from ..audio.files import Sound
from .load import Script


async def user_clips(script: Script, engine: TextToSpeech) -> tuple[Sound | None, ...]:
    """What the user says in each step, or None.  Raises ProviderError."""
    clips: list[Sound | None] = []
    for step, recording in zip(script.file.step, script.recordings, strict=True):
        if step.user is None:
            clips.append(recording)
        else:
            voice = script.file.user
            clips.append(await spoken(step.user, engine, voice=voice.voice, speed=voice.speed))
    return tuple(clips)


async def spoken(text: str, engine: TextToSpeech, *, voice: str | None, speed: float | None) -> Sound:
    """``text`` in one piece of sound.  Raises ProviderError."""
    async with engine.speak(text, voice=voice, speed=speed) as stretches:
        pcm = b"".join([stretch.pcm async for stretch in stretches])
    return Sound(pcm=pcm, rate=engine.rate)
