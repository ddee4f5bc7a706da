"""Our side of the contest in an asyncio program: the same jobs and engines, the agent in the program's own loop.

The engine runs in its thread, so a loop that is blocked is the program's alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from typing import Any

import ours
import trio
from world import Stage, memory, now, serve

import voicemode.aio
from actors.messages import Message
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import VirtualSpeaker


def agent_of(stage: Stage) -> Any:
    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        tokens = stage.called()
        stage.note("transcript", transcript)
        try:
            await asyncio.sleep(stage.job["llm_first"])
            stage.note("first text")
            for token in tokens:
                yield token
                await asyncio.sleep(stage.job["llm_token"])
            if stage.job["llm_goes_on"]:
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(stage.job["llm_clean_up"])

    return agent


async def session(stage: Stage) -> list[str]:
    """Until all is over; what the assistant is believed to have said."""
    speaker = VirtualSpeaker(lambda at, pcm, _: stage.tape.add(at - trio.current_time() + now(), pcm))
    stt, tts = ours.engines_of(stage, began=0.0)
    async with voicemode.aio.open_conversation(
        ours.settings_of(stage.job),
        microphone=ours.Room(stage, stage.begin),
        speaker=speaker,
        tts=tts,
        stt=stt,
        store=MemoryStore(),
    ) as conversation:
        talking = asyncio.create_task(conversation.talk(agent_of(stage)))
        while not stage.over():
            await asyncio.sleep(0.01)
            at = stage.block_at()
            if at is not None:
                await asyncio.sleep(max(0.0, at - now()))
                stage.note("blocked")
                time.sleep(stage.job["block"][1])  # noqa: ASYNC251  # the host's fault that is measured
        talking.cancel()
        await asyncio.wait((talking,))
    return [each.text for each in conversation.history if each.role == "assistant"]


def talk(job: dict[str, Any]) -> dict[str, Any]:
    stage = Stage(job)
    return stage.report(asyncio.run(session(stage)))


def listen(job: dict[str, Any]) -> dict[str, Any]:
    """As ``ours.listen``."""

    async def run() -> dict[str, Any]:
        stages = [Stage(job) for _ in range(job["sessions"])]
        sessions = [asyncio.create_task(session(stage)) for stage in stages]
        while not all(stage.events for stage in stages):  # noqa: ASYNC110  it says nothing by itself
            await asyncio.sleep(0.05)
        await asyncio.sleep(job["settle"])
        begun, spent = now(), time.process_time()
        await asyncio.sleep(job["seconds"])
        spent, took = time.process_time() - spent, now() - begun
        found = {"cpu": spent / took / len(stages), "memory": memory(), "late": took - job["seconds"]}
        for each in sessions:
            each.cancel()
        await asyncio.wait(sessions)
        return found

    return asyncio.run(run())


if __name__ == "__main__":
    names = ("trio", "numpy")
    serve({"talk": talk, "listen": listen, "hop": ours.hop}, {name: version(name) for name in names})
