"""A gateway among all kinds of bad clients, for as long as is asked: python benchmarks/fuzz_gateway.py --seconds 600.

A good pair, a device and an agent's side, exchange messages all the while.  Afterwards each of theirs has to take less
than a second, and memory and descriptors have to be what they were; nothing may have been logged as an error.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import trio
from attrs import define, field
from command_line import positive
from own_gateway import (
    Client,
    Running,
    agents_side,
    confirm_all,
    connect,
    device,
    framed,
    own_gateway,
    token_of,
    upgrade,
)
from report import spread_of

from actors import link_messages as link
from voicemode.connect.wire import TYPES, encode

GOOD, BAD = "good", [f"bad-{number}" for number in range(20)]

AT_ONCE = 40
"""Bad clients."""

WARMING = 20.0
"""Seconds of the same before it is looked how much memory there is."""

PATIENCE = 120.0
"""Seconds for what nobody confirms to be given up."""

MORE = 40.0
"""Megabytes that it may have grown by: sessions that can be resumed, and answers that are remembered, up to a bound."""

Attack: TypeAlias = Callable[[Running, random.Random], Awaitable[None]]


async def _open(running: Running, account: str | None) -> Client:
    """Connected, and nothing said."""
    host, port = running.where
    client = Client(await trio.open_tcp_stream(host, port))
    await client.stream.send_all(upgrade(host, None if account is None else token_of(account)))
    await client.upgraded()
    return client


async def _look(client: Client, seconds: float = 0.5) -> None:
    """Take what comes for a while."""
    with trio.move_on_after(seconds):
        while await client.stream.receive_some(65_536):
            pass


async def noise(running: Running, chance: random.Random) -> None:
    """Bytes that are nothing."""
    client = Client(await trio.open_tcp_stream(*running.where))
    await client.stream.send_all(chance.randbytes(chance.choice([1, 10, 1_000, 100_000])))
    await _look(client)


async def odd_requests(running: Running, chance: random.Random) -> None:
    """HTTP with a little of it wrong."""
    request = bytearray(upgrade("x", token_of(GOOD) + "?"))
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(request))
        chance.choice([request.insert, request.__setitem__])(place, chance.randrange(256))
    body = b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    h2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + chance.randbytes(200)
    many = b"GET /ws HTTP/1.1\r\n" + b"A: b\r\n" * 20_000
    client = Client(await trio.open_tcp_stream(*running.where))
    await client.stream.send_all(chance.choice([bytes(request), body, h2, many]))
    await _look(client)


async def bad_frames(running: Running, chance: random.Random) -> None:
    """Frames that the protocol forbids, from somebody who is known or is not."""
    client = await _open(running, chance.choice([None, *BAD]))
    for _ in range(chance.randint(1, 20)):
        data = chance.randbytes(chance.choice([0, 1, 125, 126, 5_000]))
        await client.stream.send_all(
            framed(
                data,
                chance.randrange(16),
                first=chance.choice([0x80, 0x00, 0xF0, 0x40]),
                masked=chance.random() < 0.8,
                length=chance.choice([None, None, None, 1 << 20, (1 << 63) - 1]),
            )
        )
    await _look(client)


async def huge_frames(running: Running, chance: random.Random) -> None:
    client = await _open(running, chance.choice([None, *BAD]))
    size = chance.choice([999_990, 1_000_001, 3_000_000, 1 << 40])
    await client.stream.send_all(framed(b"", length=size))
    for _ in range(chance.randint(1, 60)):
        await client.stream.send_all(b"x" * 65_536)
    await _look(client)


async def endless_fragments(running: Running, chance: random.Random) -> None:
    client = await _open(running, chance.choice(BAD))
    await client.stream.send_all(framed(b"{", first=0x00))
    for _ in range(300):
        await client.stream.send_all(framed(b"x" * chance.choice([0, 10, 10_000]), 0x0, first=0x00))
    await _look(client)


async def slow_loris(running: Running, chance: random.Random) -> None:
    """A byte now and then, of the headers or of a frame."""
    account = chance.choice([None, *BAD])
    if chance.random() < 0.5:
        client = Client(await trio.open_tcp_stream(*running.where))
        drops = upgrade("x", None if account is None else token_of(account))
    else:
        client = await _open(running, account)
        drops = framed(b"x" * 1_000)
    for number in range(len(drops)):
        await client.stream.send_all(drops[number : number + 1])
        await trio.sleep(chance.uniform(0, 0.2))


async def bad_json(running: Running, chance: random.Random) -> None:
    client = await _open(running, chance.choice(BAD))
    frames = [
        b"{",
        b"\xff",
        b"[" * 10_000,
        b"null",
        b'{"type": 1}',
        b'{"type": "ready", "device": {"deviceId": 1}}',
        b'{"type": "user_message", "id": "\\ud800", "text": "", "target_user": "\\u0000"}',
        b'{"type": "capabilities_update", "users": [' + b'{"name":"a"},' * 5_000 + b'{"name":"a"}]}',
        json.dumps({"type": "ready", "device": {"deviceId": "d" * 100_000, "platform": "x"}}).encode(),
    ]
    for _ in range(chance.randint(1, 15)):
        await client.stream.send_all(framed(chance.choice(frames)))
    await _look(client)


async def bad_tokens(running: Running, chance: random.Random) -> None:
    host, port = running.where
    client = Client(await trio.open_tcp_stream(host, port))
    token = chance.choice(["", "x" * 20_000, token_of(GOOD)[:-1], "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
    in_band = chance.random() < 0.5
    await client.stream.send_all(upgrade(host, None if in_band else token))
    if in_band and await client.upgraded():
        for _ in range(3):
            await client.stream.send_all(framed(encode(link.Auth(token=token)).encode()))
    await _look(client)


def _something(chance: random.Random) -> link.LinkMessage:
    """Any message, well formed."""
    name = chance.choice(["cora", "dora", "nobody", "", "cora@bench"])
    number, words = str(chance.randrange(50)), "x" * chance.choice([0, 5, 9_000, 11_000])
    users = tuple(link.AgentUser(name=each, host="bench") for each in chance.sample(["cora", "dora"], 1))
    return chance.choice(
        [
            link.UserMessage(id=number, text=words, target_user=name),
            link.Transcription(id=number, text=words, target_user=name or None, is_final=chance.random() < 0.5),
            link.CapabilitiesUpdate(users=users),
            link.DeliveryConfirmation(message_id=number, delivered=chance.random() < 0.5),
            link.Ack(id=number, status="received"),
            link.Speak(id=number, text=words),
            link.Listen(id=number),
            link.Stop(),
            link.Heartbeat(),
            link.Resume(session_token=number),
            device(chance.randrange(3)),
            link.Connected(session_id=number),
        ]
    )


async def anything_valid(running: Running, chance: random.Random) -> None:
    """The protocol in any order, well read or not, and gone without a word."""
    side = chance.random() < 0.5
    ready = agents_side(chance.randrange(5)) if side else device(chance.randrange(5))
    client = await connect(running, chance.choice(BAD), ready, *(["cora"] if side else []))
    async with trio.open_nursery() as nursery:
        if chance.random() < 0.7:
            nursery.start_soon(_confirm, client)
        with suppress(trio.BrokenResourceError):
            for _ in range(chance.randint(1, 60)):
                await client.say(_something(chance))
                await trio.sleep(chance.choice([0, 0, 0.05]))
        nursery.cancel_scope.cancel("said")


async def _confirm(client: Client) -> None:
    with suppress(trio.BrokenResourceError):
        await confirm_all(client)


async def deaf(running: Running, chance: random.Random) -> None:
    """Asks for answers and takes none."""
    client = await connect(running, chance.choice(BAD), device(9))
    ping = framed(b"", 0x9) * 1_000
    with trio.move_on_after(chance.uniform(1, 15)):
        for _ in range(500):
            await client.stream.send_all(chance.choice([ping, framed(b"ping") * 50, framed(b"{}") * 50]))


ATTACKS: Sequence[Attack] = (
    noise,
    odd_requests,
    bad_frames,
    huge_frames,
    endless_fragments,
    slow_loris,
    bad_json,
    bad_tokens,
    anything_valid,
    anything_valid,
    deaf,
)

assert set(TYPES)


@define
class Pair:
    """``taken`` are seconds from a message to its acknowledgement."""

    taken: list[float] = field(factory=list[float])

    async def talk(self, running: Running) -> None:
        side = await connect(running, GOOD, agents_side(), "cora")
        phone = await connect(running, GOOD, device())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(confirm_all, side)
            while True:
                begun = trio.current_time()
                # the same id would be the same message, also to the pair before
                message = link.UserMessage(id=secrets.token_hex(8), text="Hello.", target_user="cora")
                await phone.say(message)
                while not isinstance(answer := await phone.wait_for(link.Ack), link.Ack) or answer.id != message.id:
                    pass
                assert answer.status == "delivered", answer
                self.taken.append(trio.current_time() - begun)
                await trio.sleep(0.25)


async def _attack(running: Running, chance: random.Random, done: Counter[str]) -> None:
    while True:
        attack = chance.choice(ATTACKS)
        # the gateway hangs up on most of them, and that is as it should be
        with trio.move_on_after(30), suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            await attack(running, chance)
        done[attack.__name__] += 1
        await trio.lowlevel.checkpoint()


async def _fuzz(running: Running, seconds: float, seed: int) -> tuple[Counter[str], list[float]]:
    done, pair = Counter[str](), Pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.talk, running)
        for number in range(AT_ONCE):
            nursery.start_soon(_attack, running, random.Random(seed + number), done)
        await trio.sleep(seconds)
        nursery.cancel_scope.cancel("time is up")
    return done, pair.taken


async def _settled(running: Running) -> None:
    """Until what is left of the clients, and of their messages, has gone."""
    with trio.move_on_after(PATIENCE):
        for name in ("connections", "messages_waiting"):
            while await running.metric(name):  # noqa: ASYNC110 - it is in another process
                await trio.sleep(2)
    await trio.sleep(4)


async def fuzz(seconds: float, seed: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with own_gateway(folder, [GOOD, *BAD], "--queue", str(folder / "queue")) as running:
            await _fuzz(running, min(WARMING, seconds), seed + 1_000)
            await _settled(running)
            before = running.megabytes, running.descriptors
            done, taken = await _fuzz(running, seconds, seed)
            await _settled(running)
            after = running.megabytes, running.descriptors
            pair = Pair()
            with trio.move_on_after(5):
                await pair.talk(running)
        complaints = running.complaints
    amid, calm = spread_of(taken), spread_of(pair.taken)
    print(f"{sum(done.values())} bad clients in {seconds:.0f} s, seed {seed}: {dict(done.most_common())}")
    for when, each in (("amid them", amid), ("afterwards", calm)):
        milliseconds = f"p50 {1000 * each.p50:.1f}, p99 {1000 * each.p99:.1f}, max {1000 * each.max:.1f} ms"
        print(f"a good message {when}: {milliseconds} ({each.count})")
    print(f"memory {before[0]:.1f} → {after[0]:.1f} MB, descriptors {before[1]} → {after[1]}")
    wrong = [
        what
        for what, right in {
            "a good message took more than a second afterwards": calm.max < 1.0,
            "memory has grown": after[0] < before[0] + MORE,
            "descriptors have been lost": after[1] <= before[1],
            f"it complained:\n{complaints[-20_000:]}": "Traceback" not in complaints and "ERROR" not in complaints,
        }.items()
        if not right
    ]
    print(*wrong or ["all as it should be"], sep="\n")
    return bool(wrong)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Fuzz a gateway: see docs/connect.md.")
    parser.add_argument("--seconds", type=positive(float), default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    return trio.run(fuzz, options.seconds, options.seed)


if __name__ == "__main__":
    sys.exit(main())
