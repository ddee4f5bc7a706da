"""Stands for any voice that is a program: a text as argument, pcm at 22.05 kHz on standard output, as it is made."""

import sys

import trio

from voicemode.engines import load_text_to_speech


async def main(text: str, voice: str = "en-us", speed: str = "1") -> None:
    engine = await load_text_to_speech("espeak-ng")
    async with engine.speak(text, voice=voice, speed=float(speed)) as parts:
        async for part in parts:
            sys.stdout.buffer.write(part.pcm)
            sys.stdout.buffer.flush()


trio.run(main, *sys.argv[1:])
