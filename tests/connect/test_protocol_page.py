"""docs/connect-protocol.md: its frames are messages, it leaves none out, and its phone works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from actors import link_messages as link
from tests.gateway.gateways import ADA, agent, gateway
from voicemode.connect.wire import TYPES, decode, encode

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "connect-protocol.md"
FRAMES = re.findall(r"```json\n(.*?)\n```", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("frame", FRAMES, ids=[json.loads(frame)["type"] for frame in FRAMES])
def test_a_frame_is_a_message_with_all_that_it_shows(frame: str) -> None:
    given, read = json.loads(frame), json.loads(encode(decode(frame)))
    assert read | given == read


def test_every_message_is_shown() -> None:
    assert {json.loads(frame)["type"] for frame in FRAMES} == set(TYPES)


async def test_the_phone_in_forty_lines_is_answered_and_spoken_to() -> None:
    async with gateway() as there, agent(there.url) as cora:
        command = [sys.executable, str(ROOT / "docs/examples/connect_phone.py"), there.url, "cora", "How is the build?"]
        environment = os.environ | {"VOICEMODE_CONNECT_TOKEN": ADA}
        phone = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, env=environment)
        assert phone.stdout is not None
        try:
            delivery = await cora.wait_for(link.UserMessageDelivery)
            assert (delivery.text, delivery.sender) == ("How is the build?", "A phone in forty lines")
            await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
            for _ in range(2):
                await cora.say(link.Speak(id="a1", text="It is done."))
                assert await cora.wait_for(link.Ack) == link.Ack(id="a1", status="delivered")
        finally:
            phone.kill()
            with trio.CancelScope(shield=True):
                await phone.wait()
        shown = b"".join([data async for data in phone.stdout]).decode()
        assert [line.rstrip() for line in shown.splitlines()] == ["delivered", "Cora says: It is done."]
