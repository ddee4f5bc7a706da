"""A host that pushes text as it is made: asked through one channel, it answers into another until nobody listens."""

import sys
from functools import partial

import trio

import voicemode


async def host(asked):
    """Stands for a program that has its own ways, such as callbacks: it sends text whenever it has some."""
    async for question, send in asked:
        try:
            with send:
                await send.send(f"You asked: {question}. ")
                for number in range(1, 100):
                    await trio.sleep(0.05)
                    await send.send(f"This is sentence number {number}. ")
        except trio.BrokenResourceError:
            print("nobody listens any more")


async def agent(ask, transcript, history):
    send, receive = trio.open_memory_channel(10)
    await ask.send((transcript or "nothing yet", send))
    with receive:
        async for text in receive:
            yield text


async def main(microphone="portaudio:", speaker="portaudio:"):
    ask, asked = trio.open_memory_channel(0)
    settings = voicemode.Settings(microphone=microphone, speaker=speaker)
    async with trio.open_nursery() as nursery, voicemode.open_conversation(settings) as conversation:
        nursery.start_soon(host, asked)
        with ask:  # the host ends when nobody can ask it any more
            result = await conversation.converse(partial(agent, ask))
        print("heard:", result.spoken.heard, "/ said:", result.transcript)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
