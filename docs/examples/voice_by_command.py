"""A voice that is a program: its output is spoken as it comes, and it is killed when nobody listens any more."""

import subprocess
import sys
from pathlib import Path

import trio

import voicemode
from voicemode.engines import voice

COMMAND = [sys.executable, Path(__file__).parent / "programs" / "speaks.py"]
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}


async def say(text, wished_voice, speed):
    program = await trio.lowlevel.open_process([*COMMAND, text, wished_voice or "en-us", str(speed or 1.0)], **PIPES)
    try:
        async with program.stdout:
            async for pcm in program.stdout:
                yield pcm
        if await program.wait():
            raise ChildProcessError(f"its program ended with status {program.returncode}")
    finally:
        program.kill()
        with trio.CancelScope(shield=True):
            await program.wait()


async def main(microphone="portaudio:", speaker="portaudio:"):
    settings = voicemode.Settings(microphone=microphone, speaker=speaker)
    mine = voice(say, name="my program", rate=22_050)
    async with voicemode.open_conversation(settings, tts=mine) as conversation:
        result = await conversation.say("This is another program speaking.")
        print(result.engines.tts, "said:", result.spoken.heard)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
