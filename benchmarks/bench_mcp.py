"""What a client of the MCP server waits for and pays: the real process, the SDK's client, virtual devices.

The engine is espeak-ng; what it takes itself is told by the answer and subtracted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import define, field
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from report import Budget, Findings, figure, run

MEGABYTE = 1_000_000
SETTLING = 3.0
"""Seconds after which everything that is loaded is loaded."""


@define
class Costs:
    """Milliseconds, but for ``listed`` (seconds) and ``memory`` (bytes), one value a server or a call."""

    listed: list[float] = field(factory=list[float])
    memory: list[float] = field(factory=list[float])
    noted: list[float] = field(factory=list[float])
    first_sample: list[float] = field(factory=list[float])
    around: list[float] = field(factory=list[float])
    tools: int = 0


async def one_server(costs: Costs, calls: int, home: str) -> None:
    environment = {**os.environ, "HOME": home, "VOICEMODE_MIC": "null:", "VOICEMODE_SPEAKER": "null:"}
    started = trio.current_time()
    command = StdioServerParameters(command=sys.executable, args=["-m", "voicemode", "mcp"], env=environment)
    async with Client(stdio_client(command)) as client:
        listed = await client.list_tools()
        costs.listed.append(trio.current_time() - started)
        tools = [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed.tools]
        costs.tools = len(json.dumps(tools, separators=(",", ":")))
        await trio.sleep(SETTLING)
        [server] = psutil.Process().children()
        costs.memory.append(server.memory_info().rss)
        for _ in range(calls):
            await one_call(costs, client)


async def one_call(costs: Costs, client: Client) -> None:
    noted: list[float] = []
    called = trio.current_time()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        noted.append(trio.current_time())

    result = await client.call_tool(
        "converse",
        {"message": "Yes.", "wait_for_response": False, "metrics_level": "verbose"},
        progress_callback=note,
    )
    answered = trio.current_time()
    timings = (result.structured_content or {})["timings"]
    costs.noted.append(1000 * (noted[0] - called))
    costs.first_sample.append(timings["first_sample_ms"])
    costs.around.append(1000 * (answered - called) - timings["total_ms"])


async def all_servers(count: int, calls: int) -> Costs:
    costs = Costs()
    with tempfile.TemporaryDirectory() as home:
        for _ in range(count):
            await one_server(costs, calls, home)
    return costs


def measure(smoke: bool) -> Findings:
    costs = trio.run(all_servers, 1 if smoke else 8, 3 if smoke else 25)
    return Findings(
        figures=(
            figure("start of the process → tools listed", "s", costs.listed, Budget(at_most=1.0, statistic="p50")),
            figure("list of tools", "bytes", [costs.tools], Budget(at_most=6_000)),
            figure("memory with everything loaded", "MB", [each / MEGABYTE for each in costs.memory]),
            figure("call → first progress", "ms", costs.noted, Budget(at_most=100, statistic="p95")),
            figure("the turn's call → first sample, the engine's time in it", "ms", costs.first_sample),
            figure("what the protocol adds to a turn", "ms", costs.around, Budget(at_most=40, statistic="p95")),
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    return run("mcp", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
