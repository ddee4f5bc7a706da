"""The phone that calls docs/examples/phone.py: what it hears is written down, and a recording speaks over it."""

import struct
import sys
import wave
from contextlib import suppress

import trio

RATE, QUANTUM = 16_000, 320
BLOCK = 2 * QUANTUM


class FarPhone:
    def __init__(self, stream, question):
        self.stream, self.question = stream, question
        self.held, self.heard = bytearray(), bytearray()
        self.sending = trio.Lock()

    async def tell(self, kind, body):
        async with self.sending:
            with suppress(trio.BrokenResourceError):  # they have hung up, as is read in a moment
                await self.stream.send_all(struct.pack("!cI", kind, len(body)) + body)

    async def run(self, after):
        """Plays and records 20 ms at a time, from now on; the question begins ``after`` seconds of what it hears."""
        began, blocks = trio.current_time(), 0
        while True:
            blocks += 1
            await trio.sleep_until(began + blocks * QUANTUM / RATE)
            if self.held:
                self.heard += self.held[:BLOCK]
                del self.held[:BLOCK]
                await self.tell(b"P", struct.pack("!I", len(self.heard) // 2))
            spoken = b""
            if len(self.heard) > 2 * RATE * after:
                spoken, self.question = self.question[:BLOCK], self.question[BLOCK:]
            await self.tell(b"A", spoken.ljust(BLOCK, b"\0"))

    async def read(self):
        """Until the other side hangs up."""
        received = bytearray()
        with suppress(trio.BrokenResourceError):
            async for some in self.stream:
                received += some
                while len(received) >= 5 and len(received) >= 5 + (size := struct.unpack_from("!I", received, 1)[0]):
                    kind, body = received[:1], bytes(received[5 : 5 + size])
                    del received[: 5 + size]
                    if kind == b"A":
                        self.held += body
                    else:
                        self.held.clear()
                        await self.tell(b"C", struct.pack("!I", len(self.heard) // 2))


async def main(port, question, heard, after="1.5"):
    with wave.open(question) as file:
        sound = file.readframes(file.getnframes())
    phone = FarPhone(await trio.open_tcp_stream("127.0.0.1", int(port)), sound)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(phone.run, float(after))
            await phone.read()
            nursery.cancel_scope.cancel()
    finally:
        with wave.open(heard, "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(phone.heard)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
