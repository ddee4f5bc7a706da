import sys

import voicemode.sync


def agent(transcript, history):
    print(transcript)
    yield f"You said: {transcript}."


def main(microphone="portaudio:", speaker="portaudio:"):
    with voicemode.sync.open_conversation(voicemode.Settings(microphone=microphone, speaker=speaker)) as conversation:
        conversation.talk(agent, greeting="Hello. What is it?")


main(*sys.argv[1:])
