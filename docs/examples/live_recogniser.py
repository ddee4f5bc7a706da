"""A recogniser that hears while somebody speaks: a program is fed what comes, and says what it understands so far."""

import subprocess
import sys
from functools import partial as bind
from pathlib import Path

import trio

import voicemode
from voicemode.engines import live_recogniser

COMMAND = [sys.executable, Path(__file__).parent / "programs" / "hears.py"]
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}


async def hear(sound, rate, phrases, partial):
    text = output = ""
    async with trio.open_nursery() as nursery:
        program = await nursery.start(bind(trio.run_process, COMMAND, **PIPES))
        nursery.start_soon(feed, program.stdin, sound)
        async for some in program.stdout:
            *lines, output = (output + some.decode()).split("\n")
            for text in lines:
                partial(text)
    return text


async def feed(stdin, sound):
    async with stdin:
        async for pcm in sound:
            await stdin.send_all(pcm)


async def main(microphone="portaudio:", speaker="portaudio:"):
    settings = voicemode.Settings(microphone=microphone, speaker=speaker)
    async with voicemode.open_conversation(settings, stt=live_recogniser(hear, name="my program")) as conversation:
        result = await conversation.converse("What is it?")
        print(result.engines.stt, "heard:", result.transcript)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
