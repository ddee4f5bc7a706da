import asyncio
import sys

import voicemode.aio


async def agent(transcript, history):
    print(transcript)
    yield f"You said: {transcript}."


async def main(mic="portaudio:", speaker="portaudio:"):
    async with voicemode.aio.open_conversation(voicemode.Settings(microphone=mic, speaker=speaker)) as conversation:
        await conversation.talk(agent, greeting="Hello. What is it?")


asyncio.run(main(*sys.argv[1:]))
