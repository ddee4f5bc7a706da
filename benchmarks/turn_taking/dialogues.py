"""Sentences as people say them to an assistant, spoken by espeak-ng.  In: texts with the places where their speakers
stop to think.  Out: the same sentences as sound.

espeak-ng never makes the same samples twice; so what it has said is kept in files, and a sentence stays the same as
long as they do.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import trio

from actors.ports import TextToSpeech
from voicemode.audio.files import Sound, resampled
from voicemode.speech.registry import load_text_to_speech

from .recordings import RATE, Samples, Sentence, Stretch, audible

VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m5")
ROOM = 10 ** (-65 / 20)

TEXTS = (
    "What time is it?",
    "Can you tell me | how far it is to Mainz?",
    "How do I get | from the station | to the cathedral?",
    "Where did you put | the key to the cellar?",
    "Why did the build fail last night?",
    "Is there a pharmacy | near here that is open on Sundays?",
    "Could you read me | the second paragraph again?",
    "Do you think | we should wait for the others?",
    "Yes.",
    "No, thank you.",
    "Yes, | please go ahead.",
    "I think so, | but I am not sure | about the date.",
    "On Tuesday | at half past nine.",
    "The red one.",
    "Two tickets, | please, | for the evening.",
    "That sounds good to me.",
    "I would like | a table for four | at seven o'clock.",
    "I want to | change my reservation | to the fourteenth of May.",
    "I need flour, | sugar, | two eggs, | and a little butter.",
    "Add milk, | bread | and | apples to the list.",
    "There are three things: | the roof, | the windows, | and the door.",
    "We met Anna | and | her brother | in the old town.",
    "My number is | zero one seven six, | five five two, | nine four eight one.",
    "Call five five five, | two three, | six eight.",
    "The code is four seven | one nine.",
    "It is twenty one, | Garden Street, | second floor.",
    "Um, | I was going to ask | whether the shop is still open.",
    "Well, uh, | it depends on | the weather tomorrow.",
    "So, um, | can you | book that for me?",
    "I mean, | we could also, uh, | take the train.",
    "Hmm, | let me think, | perhaps the blue one.",
    "The meeting is on Monday because | the others are away.",
    "I went to the market and | then I came straight home.",
    "If it rains | we stay at home.",
    "Please send the letter to | my sister in Vienna.",
    "It was cheaper than | I had expected.",
    "I liked the first one. | The second was too loud.",
    "He is not at home. | He went to see | his mother.",
    "Play something by | Johann Sebastian Bach.",
    "Remind me to | water the plants | when I get home.",
)
"""Questions, answers, lists, numbers, fillers, and what trails off; a bar is where its speaker may stop."""


async def spoken_sentences(folder: Path, texts: tuple[str, ...] = TEXTS) -> list[Sentence]:
    """``texts``, each said by one of ``VOICES`` in turn.  Raises ProviderUnavailable without espeak-ng."""
    voice = await load_text_to_speech("espeak-ng")
    await trio.Path(folder).mkdir(parents=True, exist_ok=True)
    return [
        Sentence(
            name=text.replace(" |", ""),
            speaker=VOICES[number % len(VOICES)],
            stretches=tuple(
                [
                    Stretch(
                        samples=await _said(voice, part, VOICES[number % len(VOICES)], folder), text=part, starts=True
                    )
                    for part in _parts(text)
                ]
            ),
            room=ROOM,
        )
        for number, text in enumerate(texts)
    ]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


async def _said(engine: TextToSpeech, text: str, voice: str, folder: Path) -> Samples:
    # a voice that stops to think does not fall as at the end of a sentence
    text = text if text[-1] in ",.?:" else f"{text},"
    file = folder / f"{hashlib.sha256(f'{voice}|{text}'.encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        async with engine.speak(text, voice=voice) as audio:
            parts = [part async for part in audio]
        sound = resampled(Sound(pcm=b"".join(part.pcm for part in parts), rate=parts[0].rate), RATE)
        np.save(file, np.frombuffer(sound.pcm, "<i2"))
    samples = np.load(file).astype(np.float32) / np.float32(32768)
    first, last = audible(samples)
    return samples[first:last]
