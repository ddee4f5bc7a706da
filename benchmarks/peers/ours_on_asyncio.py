"""Our side of the contest in an asyncio program: the same jobs and engines, the agent in the program's own loop.

The engine runs in its thread, so a loop that is blocked is the program's alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from typing import Any

import ours
import trio
from asyncio_host import attend, listener
from world import Stage, now, serve

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
        await attend(stage)
        talking.cancel()
        await asyncio.wait((talking,))
    return [each.text for each in conversation.history if each.role == "assistant"]


def talk(job: dict[str, Any]) -> dict[str, Any]:
    stage = Stage(job)
    return stage.report(asyncio.run(session(stage)))


if __name__ == "__main__":
    names = ("trio", "numpy")
    serve({"talk": talk, "listen": listener(session), "hop": ours.hop}, {name: version(name) for name in names})
