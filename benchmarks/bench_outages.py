"""A phone writes to an agent while the network, the gateway and the clocks misbehave: is what was promised there, once?

A gateway, ``voicemode connect up`` and a phone in a network of their own, which can be cut.  Each outage lasts half a
minute; with ``--smoke`` it lasts two seconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field
from report import Budget, Findings, figure, run

from actors.outgoing import Outgoing
from tests.connect.world import ROOT, Phone, World, world

NEVER = Budget(at_most=0, exact=True)

EVERY = 0.2
"""Seconds between two messages."""

SETTLED = 150.0
"""Seconds in which everything has come through afterwards: a dead link is noticed after one minute, and made again."""

INSIDE = "BENCH_INSIDE"
"""In the environment of who is in the network that can be cut."""

SHIFTED = Path(__file__).with_name("shifted_clock")
DAY = 86_400.0


@define(eq=False)
class Writing:
    """A message five times a second; ``took`` are the seconds until each was promised, by what was going on."""

    phone: Phone
    promised: list[str] = field(factory=list[str])
    queued: int = 0
    refused: int = 0
    took: dict[str, list[float]] = field(factory=dict[str, list[float]])
    during: str = "nothing wrong"
    over: bool = False

    async def write(self, nursery: trio.Nursery) -> None:
        number = 0
        while not self.over:
            nursery.start_soon(self._write, f"m{number}", self.during)
            number += 1
            await trio.sleep(EVERY)

    async def _write(self, key: str, during: str) -> None:
        began = trio.current_time()
        ack = await self.phone.write(key, "cora", aloud=int(key[1:]) % 2 == 1)
        if ack.status not in {"delivered", "queued"}:
            self.refused += 1
            return
        self.took.setdefault(during, []).append(trio.current_time() - began)
        self.queued += ack.status == "queued"
        self.promised.append(key)


async def link(state: str) -> None:
    await trio.run_process(["ip", "link", "set", "lo", state])


@asynccontextmanager
async def outage(writing: Writing, what: str) -> AsyncGenerator[None]:
    writing.during = what
    yield
    writing.during = "nothing wrong"


async def misbehave(here: World, writing: Writing, seconds: float, jump: Callable[[float], Awaitable[None]]) -> None:
    await trio.sleep(1)
    async with outage(writing, "network cut"):
        await link("down")
        await trio.sleep(seconds)
        await link("up")
    await trio.sleep(1)
    async with outage(writing, "gateway killed"):
        await here.kill("gateway")
        await trio.sleep(seconds / 10)
        await here.gateway()
    await trio.sleep(1)
    async with outage(writing, "gateway frozen, as by a half-open connection"):
        here.signal("gateway", signal.SIGSTOP)
        await trio.sleep(seconds * 3)
        here.signal("gateway", signal.SIGCONT)
    await trio.sleep(1)
    async with outage(writing, "agents' side killed"):
        await here.kill("up")
        await trio.sleep(seconds / 10)
        await here.up()
    for days in (2, -2, 0):
        async with outage(writing, "clocks jump by days"):
            await jump(days * DAY)
            await trio.sleep(seconds / 5)


async def measure(smoke: bool) -> Findings:
    home = Path(tempfile.mkdtemp(prefix="voicemode-"))
    shift = home / "shift"
    shift.write_text("0")
    more = {"PYTHONPATH": f"{SHIFTED}{os.pathsep}{ROOT}", "BENCH_SHIFT": str(shift)}

    async def jump(seconds: float) -> None:
        beside = trio.Path(f"{shift}.new")
        await beside.write_text(str(seconds))
        await beside.replace(shift)

    writing = Writing(Phone(Outgoing(capacity=5_000)))
    try:
        await link("up")
        async with world(home, more) as here, trio.open_nursery() as nursery:
            await here.gateway()
            await here.up()
            await nursery.start(writing.phone.hold, here.url)
            await writing.phone.linked.wait()
            with trio.fail_after(SETTLED + 60 + 10 * (2 if smoke else 30)):
                async with trio.open_nursery() as messages:
                    messages.start_soon(writing.write, messages)
                    await misbehave(here, writing, 2 if smoke else 30, jump)
                    writing.over = True
                found = await settled(here, writing)
            nursery.cancel_scope.cancel("all of it was seen")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    lost = sum(not found[key] for key in writing.promised)
    doubled = sum(count - 1 for count in found.values())
    return Findings(
        figures=(
            figure("messages promised", "", [len(writing.promised)]),
            figure("refused, as too many waited already", "", [writing.refused]),
            figure("promised and not there", "", [lost], NEVER),
            figure("there twice", "", [doubled], NEVER),
            *(figure(f"{what}: written → promised", "s", took) for what, took in writing.took.items()),
        ),
        notes=(f"Of them {writing.queued} were promised by the gateway's queue before the agents' side had them.",),
    )


async def settled(here: World, writing: Writing) -> Counter[str]:
    """How often each message is in the inbox, once all that were promised are, or it has taken too long."""
    with trio.move_on_after(SETTLED):
        while set(writing.promised) - {line["text"].removeprefix("text ") for line in here.inbox("cora")}:  # noqa: ASYNC110
            await trio.sleep(0.5)  # it is another process that writes
    return Counter(line["text"].removeprefix("text ") for line in here.inbox("cora"))


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if INSIDE not in os.environ and "--help" not in arguments:
        command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, __file__, *arguments]
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})  # noqa: S606 - it is this program again
    return run("outages", lambda smoke: trio.run(measure, smoke), arguments)


if __name__ == "__main__":
    sys.exit(main())
