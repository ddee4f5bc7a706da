"""An agent that calls a tool.  Who speaks over it stops the tool as well, and what it had half done is undone."""

import sys
from contextlib import aclosing

import trio

import voicemode

taken = set()


async def book(table):
    taken.add(table)
    print("asked for", table)
    try:
        await trio.sleep(10)  # until the restaurant has confirmed it
    except BaseException:  # a cancel too, which is no Exception
        with trio.move_on_after(1, shield=True):  # what has to wait in here gets a second
            await give_back(table)
        raise
    print("confirmed", table)
    return f"You have {table}."


async def give_back(table):
    await trio.sleep(0.1)
    taken.discard(table)
    print("gave back", table)


TOOLS = {"book": book}


async def model(transcript, history):
    """Stands for a language model that streams text and calls of tools."""
    yield "I am asking for the table at the window, which may take them a moment or two. "
    yield {"tool": "book", "table": "the table at the window"}


async def agent(transcript, history):
    async with aclosing(model(transcript, history)) as parts:
        async for part in parts:
            if isinstance(part, dict):
                yield await TOOLS[part.pop("tool")](**part)
            else:
                yield part


async def main(microphone="portaudio:", speaker="portaudio:"):
    settings = voicemode.Settings(microphone=microphone, speaker=speaker)
    async with voicemode.open_conversation(settings) as conversation:
        result = await conversation.converse(agent)
        print("heard:", result.spoken.heard, "/ said:", result.transcript, "/ taken:", *taken)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
