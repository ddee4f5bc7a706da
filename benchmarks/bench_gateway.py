"""What one gateway process holds: connections, messages a second, how long one takes, what a connection costs.

The gateway is a process of its own, as a person runs it, and the clients are in this one: raw sockets, half of them
devices and half agents' sides, ten to an account.  A message is timed from the device and back: to the agent's side,
its confirmation, the acknowledgement.
"""

from __future__ import annotations

import math
import random
import resource
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import trio
from attrs import define, field
from own_gateway import Client, Running, agents_side, confirm_all, connect, device, own_gateway
from report import Budget, Figure, Findings, figure, run

from actors import link_messages as link
from voicemode.gateway.collecting import collect_seldom

STEPS = (100, 500, 1_000, 2_500, 5_000)
SHORT = (20, 60)

ACCOUNT = 10
"""Connections."""

RATE = 200.0
"""Messages a second, all together, when the time is taken that one takes."""

EAGER = 64
"""Devices that send one after the other, when it is counted how many messages there can be."""

DIALLING = 32
"""Connections that are made at a time."""

SETTLING = 2.0
"""Seconds of nothing before what is idle is measured."""


@define(eq=False)
class Phone:
    """A device, and whom it writes to."""

    client: Client
    target: str
    waiting: dict[str, tuple[float, trio.Event]] = field(factory=dict[str, tuple[float, trio.Event]])
    number: count[int] = field(factory=lambda: count(1))

    async def listen(self, taken: list[float]) -> None:
        async with self.client.stream:
            while (message := await self.client.hear()) is not None:
                if isinstance(message, link.Ack):
                    assert message.status == "delivered", message
                    begun, arrived = self.waiting.pop(message.id)
                    taken.append(trio.current_time() - begun)
                    arrived.set()

    async def write(self) -> None:
        """Returns when it is acknowledged."""
        number, arrived = str(next(self.number)), trio.Event()
        self.waiting[number] = trio.current_time(), arrived
        await self.client.say(link.UserMessage(id=number, text="How is the build doing?", target_user=self.target))
        await arrived.wait()


@define(eq=False)
class Crowd:
    """``taken`` are seconds, one a message, since it was emptied last."""

    running: Running
    nursery: trio.Nursery
    phones: list[Phone] = field(factory=list[Phone])
    taken: list[float] = field(factory=list[float])
    size: int = 0

    async def grow(self, size: int) -> float:
        """To ``size`` connections; how many were made a second."""
        begun, added = trio.current_time(), size - self.size
        numbers = iter(range(self.size, size))

        async def dial() -> None:
            for number in numbers:
                await self._add(number)

        async with trio.open_nursery() as dialling:
            for _ in range(DIALLING):
                dialling.start_soon(dial)
        self.size = size
        return added / (trio.current_time() - begun)

    async def _add(self, number: int) -> None:
        account, name = f"account-{number // ACCOUNT}", f"agent-{number // 2}"
        if number % 2:
            client = await connect(self.running, account, device(number))
            phone = Phone(client, name)
            self.phones.append(phone)
            self.nursery.start_soon(phone.listen, self.taken)
        else:
            client = await connect(self.running, account, agents_side(number), name)
            self.nursery.start_soon(confirm_all, client)
        self.nursery.start_soon(client.keep_alive)

    async def trickle(self, seconds: float) -> tuple[list[float], float]:
        """Messages at the rate, of devices by chance: how long each took, and the gateway's own time for one."""
        self.taken.clear()
        used = self.running.cpu
        async with trio.open_nursery() as nursery:
            for number in range(math.ceil(seconds * RATE)):
                nursery.start_soon(self._write_at, trio.current_time() + number / RATE)
        return self.taken.copy(), (self.running.cpu - used) / len(self.taken)

    async def _write_at(self, when: float) -> None:
        await trio.sleep_until(when)
        await random.choice(self.phones).write()

    async def rush(self, seconds: float) -> float:
        """Messages a second, when there are always some on their way."""
        self.taken.clear()
        begun = trio.current_time()
        with trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                for phone in random.sample(self.phones, min(EAGER, len(self.phones))):
                    nursery.start_soon(self._write_on, phone)
        done = len(self.taken) / (trio.current_time() - begun)
        await trio.sleep(SETTLING / 2)
        return done

    async def _write_on(self, phone: Phone) -> None:
        while True:
            await phone.write()


@asynccontextmanager
async def crowd(accounts: int) -> AsyncGenerator[Crowd]:
    with tempfile.TemporaryDirectory() as folder:
        names = [f"account-{number}" for number in range(accounts)]
        async with own_gateway(Path(folder), names) as running, trio.open_nursery() as nursery:
            yield Crowd(running, nursery)
            nursery.cancel_scope.cancel("measured")


async def measure_all(steps: tuple[int, ...], seconds: float, in_time: Budget | None) -> list[Figure]:
    figures: list[Figure] = []
    async with crowd(math.ceil(steps[-1] / ACCOUNT)) as there:
        await trio.sleep(0.5)
        empty = there.running.megabytes
        costs: list[float] = []
        for size in steps:
            dialled = await there.grow(size)
            # it is the gateway that is measured, not how often Python looks for garbage here
            collect_seldom()
            await trio.sleep(SETTLING)
            memory = 1000 * (there.running.megabytes - empty) / size
            used = there.running.cpu
            await trio.sleep(seconds / 2)
            idle = 100 * (there.running.cpu - used) / (seconds / 2)
            taken, cost = await there.trickle(seconds)
            costs.append(cost)
            per_second = await there.rush(seconds / 2)
            said = f"{size:,} connections"
            figures += [
                figure(
                    f"{said}: message → acknowledged",
                    "ms",
                    (1000 * each for each in taken),
                    in_time,
                ),
                figure(f"{said}: messages, at most", "1/s", [per_second]),
                figure(f"{said}: time of the gateway for a message", "µs", [1e6 * cost]),
                figure(f"{said}: memory for one", "kB", [memory], Budget(at_most=100)),
                figure(f"{said}: processor while idle", "%", [idle]),
                figure(f"{said}: connections made", "1/s", [dialled]),
            ]
        growth = costs[-1] / costs[0]
        figures.append(figure(f"cost of a message, {steps[-1]:,} by {steps[0]:,}", "×", [growth], Budget(at_most=2)))
        figures.append(figure("memory of the gateway without connections", "MB", [empty]))
    return figures


def measure(smoke: bool) -> Findings:
    steps = SHORT if smoke else STEPS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * steps[-1] + 500
    if soft < wanted:
        # the gateway inherits it
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    # a machine that is busy with something else holds up in a second what it makes up for in ten
    in_time = None if smoke else Budget(at_most=50, statistic="p99")
    figures = trio.run(measure_all, steps, 1.0 if smoke else 10.0, in_time)
    note = f"{RATE:.0f} messages a second where one is timed; {EAGER} devices, one message each, where they are counted"
    return Findings(figures=tuple(figures), notes=(note,))


def main(arguments: list[str] | None = None) -> int:
    return run("gateway", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
