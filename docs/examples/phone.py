"""Calls over TCP: whoever connects is spoken with, and can speak over it.  docs/examples/programs/far_phone.py calls.

Both ways go messages of a letter, a length of four bytes, and so many bytes.  To the phone: ``A`` sound to play, ``C``
drop what you have not played.  From the phone: ``A`` sound of its microphone, ``P`` so many samples were played, and
``C``, the same, as the answer to a ``C``.
"""

import struct
import sys
from contextlib import asynccontextmanager, suppress

import trio

import voicemode
from voicemode.devices import FedMicrophone, SentSpeaker

RATE = 16_000
STORY = "I will tell you a long story now, of a fox and a dog, and you can stop me at any moment that you like to."


class Phone:
    def __init__(self, stream):
        self.stream = stream
        self.microphone = FedMicrophone(RATE, name="phone")
        self.speaker = SentSpeaker(self.connect, rate=RATE, name="phone")
        self._report, self._reports = trio.open_memory_channel(100)
        self._answer, self._answers = trio.open_memory_channel(1)

    @asynccontextmanager
    async def connect(self, rate):
        yield self

    async def send(self, pcm):
        await self.stream.send_all(struct.pack("!cI", b"A", len(pcm)) + pcm)

    async def clear(self):
        await self.stream.send_all(struct.pack("!cI", b"C", 0))
        return await self._answers.receive()

    async def played(self):
        return await self._reports.receive()

    async def read(self):
        """Until the phone hangs up."""
        received = bytearray()
        with self._report, self._answer, suppress(trio.BrokenResourceError):
            async for some in self.stream:
                received += some
                while len(received) >= 5 and len(received) >= 5 + (size := struct.unpack_from("!I", received, 1)[0]):
                    kind, body = received[:1], bytes(received[5 : 5 + size])
                    del received[: 5 + size]
                    if kind == b"A":
                        self.microphone.push(body)
                    else:
                        counts = self._report if kind == b"P" else self._answer
                        with suppress(trio.WouldBlock):  # of reports that wait, one more or less is the same
                            counts.send_nowait(*struct.unpack("!I", body))


async def answer(stream):
    phone = Phone(stream)
    async with trio.open_nursery() as nursery:

        async def hang_up_with_them():
            await phone.read()
            nursery.cancel_scope.cancel()

        nursery.start_soon(hang_up_with_them)
        async with voicemode.open_conversation(microphone=phone.microphone, speaker=phone.speaker) as conversation:
            result = await conversation.converse(STORY)
            print(f"heard: {result.spoken.heard} / said: {result.transcript}", flush=True)
        nursery.cancel_scope.cancel()


async def main(port="0"):
    [listener] = await trio.open_tcp_listeners(int(port), host="127.0.0.1")
    print("port", listener.socket.getsockname()[1], flush=True)
    await trio.serve_listeners(answer, [listener])


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
