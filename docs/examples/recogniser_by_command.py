"""A recogniser that is a program: started for every utterance, given all of it, and killed if it is not wanted."""

import subprocess
import sys
from pathlib import Path

import trio

import voicemode
from voicemode import ProviderUnavailable
from voicemode.engines import recogniser

COMMAND = [sys.executable, Path(__file__).parent / "programs" / "hears.py"]


async def hear(pcm, rate, phrases):
    done = await trio.run_process(COMMAND, stdin=pcm, capture_stdout=True, stderr=subprocess.DEVNULL)
    if not done.stdout:
        raise ProviderUnavailable("my program", "My program gave no answer. Start it by hand.", retryable=True)
    return done.stdout.decode().splitlines()[-1]


async def main(microphone="portaudio:", speaker="portaudio:"):
    settings = voicemode.Settings(microphone=microphone, speaker=speaker)
    async with voicemode.open_conversation(settings, stt=recogniser(hear, name="my program")) as conversation:
        result = await conversation.converse("What is it?")
        print(result.engines.stt, "heard:", result.transcript)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
