"""A conversation that is open can be controlled where its settings say so, and only as long as it is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from voicemode import Settings, open_conversation
from voicemode.control.client import NobodyListens, ask
from voicemode.control.protocol import StatusAnswer


async def test_it_is_controlled_at_its_socket_until_it_is_closed(path: Path) -> None:
    settings = Settings(tts=None, stt=None, control=True, control_socket=path)
    async with open_conversation(settings) as conversation:
        await ask(path, "mute")
        assert conversation.muted
        status = await ask(path, "status")
        assert isinstance(status, StatusAnswer)
        assert (status.state, status.held, status.muted) == ("idle", False, True)
    with pytest.raises(NobodyListens):
        await ask(path, "status")


async def test_it_is_not_where_nobody_asked_for_it(path: Path) -> None:
    async with open_conversation(Settings(tts=None, stt=None, control_socket=path)):
        with pytest.raises(NobodyListens):
            await ask(path, "status")
