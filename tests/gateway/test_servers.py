"""The application is any ASGI server's that runs on Trio."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import anycorn
import hypercorn
import hypercorn.trio
import pytest
import trio

from actors import link_messages as link
from tests.gateway.gateways import ADA, agent, connected, get, phone, tokens
from voicemode.gateway.app import make_app
from voicemode.gateway.hub import Hub
from voicemode.gateway.limits import Limits

SERVERS: dict[str, tuple[Any, Any]] = {
    "anycorn": (anycorn.serve, anycorn.Config),
    "hypercorn": (hypercorn.trio.serve, hypercorn.Config),
}


@pytest.mark.parametrize("name", SERVERS)
async def test_the_application_runs_under(name: str) -> None:
    serve, config_of = SERVERS[name]
    config = config_of()
    config.bind, config.errorlog, config.graceful_timeout = ["127.0.0.1:0"], None, 1.0
    hub, stop = Hub(Limits(silence=30)), trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        async with trio.open_nursery() as serving:
            start = partial(serve, make_app(hub, tokens()), config, shutdown_trigger=stop.wait)
            (bound,) = cast("list[str]", await serving.start(start))
            url = f"{bound.replace('http', 'ws')}/ws"
            async with agent(url) as cora, phone(url) as ada, connected(f"{url}?token={ADA}x", None) as stranger:
                await ada.say(link.UserMessage(id="1", text="Hello.", target_user="cora"))
                delivery = await cora.wait_for(link.UserMessageDelivery)
                await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
                assert (await ada.wait_for(link.Ack)).status == "delivered"
                assert (await stranger.closed())[0] == 4001
                assert (await get(f"{bound}/health"))[0] == 200
            stop.set()
        nursery.cancel_scope.cancel("done")
