"""Calls over TCP in an asyncio server: whoever connects is spoken with.  The messages are those of phone.py."""

import asyncio
import struct
import sys
from contextlib import suppress

import voicemode.aio
from voicemode.devices import FedMicrophone

RATE = 16_000
STORY = "I will tell you a long story now, of a fox and a dog, and you can stop me at any moment that you like to."


class Phone:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.microphone = FedMicrophone(RATE, name="phone")
        self.speaker = voicemode.aio.speaker("phone", RATE, self.send, clear=self.clear, played=self.played)
        self.reports, self.answers = asyncio.Queue(), asyncio.Queue()

    async def send(self, pcm):
        self.writer.write(struct.pack("!cI", b"A", len(pcm)) + pcm)
        await self.writer.drain()

    async def clear(self):
        self.writer.write(struct.pack("!cI", b"C", 0))
        return await self.answers.get()

    async def played(self):
        return await self.reports.get()

    async def read(self):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, size = struct.unpack("!cI", await self.reader.readexactly(5))
                body = await self.reader.readexactly(size)
                if kind == b"A":
                    self.microphone.push(body)
                else:
                    counts = self.reports if kind == b"P" else self.answers
                    counts.put_nowait(*struct.unpack("!I", body))


async def talk(phone):
    async with voicemode.aio.open_conversation(microphone=phone.microphone, speaker=phone.speaker) as conversation:
        result = await conversation.converse(STORY)
        print(f"heard: {result.spoken.heard} / said: {result.transcript}", flush=True)


async def answer(reader, writer):
    phone = Phone(reader, writer)
    talking = asyncio.create_task(talk(phone))
    reading = asyncio.create_task(phone.read())
    reading.add_done_callback(lambda _: talking.cancel())  # they have hung up
    await asyncio.wait((talking,))
    writer.close()


async def main(port="0"):
    server = await asyncio.start_server(answer, "127.0.0.1", int(port))
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
