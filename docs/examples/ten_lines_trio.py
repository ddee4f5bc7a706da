import sys

import trio

import voicemode


async def agent(transcript, history):
    print(transcript)
    yield f"You said: {transcript}."


async def main(microphone="portaudio:", speaker="portaudio:"):
    async with voicemode.open_conversation(voicemode.Settings(microphone=microphone, speaker=speaker)) as conversation:
        await conversation.talk(agent, greeting="Hello. What is it?")


trio.run(main, *sys.argv[1:])
