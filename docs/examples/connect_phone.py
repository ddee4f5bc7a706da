"""A phone in forty lines: it writes to an agent by way of a gateway, and shows what agents say.

    VOICEMODE_CONNECT_TOKEN=… python docs/examples/connect_phone.py ws://127.0.0.1:8790/ws cora "Is it done?"

Needs ``pip install 'voicemode[connect]'``.  Ends with Ctrl-C.
"""

import json
import os
import sys
import uuid

import trio
from trio_websocket import WebSocketConnection, open_websocket_url

DEVICE = {"deviceId": "forty-lines", "platform": "python", "name": "A phone in forty lines"}


async def keep_alive(socket: WebSocketConnection) -> None:
    while True:
        await trio.sleep(25)
        await socket.send_message("ping")


async def main(url: str, agent: str, text: str) -> None:
    token = os.environ["VOICEMODE_CONNECT_TOKEN"]
    async with (
        open_websocket_url(url, extra_headers=[("Authorization", f"Bearer {token}")]) as socket,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(keep_alive, socket)
        await socket.send_message(json.dumps({"type": "ready", "device": DEVICE}))
        message = {"type": "user_message", "id": str(uuid.uuid4()), "text": text, "target_user": agent}
        await socket.send_message(json.dumps(message))
        said: set[str] = set()
        while True:
            frame = await socket.get_message()
            if frame == "pong":
                continue
            match json.loads(frame):
                case {"type": "ack", "status": status, **more}:
                    print(status, more.get("error", ""), flush=True)
                case {"type": "speak", "id": answer, "text": text}:
                    if answer not in said:  # it may come again
                        print(f"{agent.title()} says: {text}", flush=True)
                        said.add(answer)
                    await socket.send_message(json.dumps({"type": "ack", "id": answer, "status": "delivered"}))
                case {"type": "error", "message": reason}:
                    print(reason, file=sys.stderr)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:4])
