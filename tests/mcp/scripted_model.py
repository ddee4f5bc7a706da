"""A model whose answers are written beforehand, at a socket, in the shape in which Claude Code streams them."""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field

from tests.scripted_server import Asked, Reply, ScriptedServer, whole


@define
class ScriptedModel(ScriptedServer):
    """Calls the tools of ``calls`` one after another, each when the result of the one before has come, and then says
    ``goodbye``.  ``offered`` are the tools it was told of, ``told`` is all else that it was told."""

    calls: list[tuple[str, dict[str, Any]]] = field(factory=list[tuple[str, dict[str, Any]]])
    goodbye: str = "That is all."
    offered: set[str] = field(factory=set[str], init=False)
    results: list[Any] = field(factory=list[Any], init=False)
    told: str = field(default="", init=False)

    def reply_to(self, asked: Asked) -> Reply:
        if "/v1/messages" not in asked.line or "count_tokens" in asked.line:
            return whole(b"{}", "application/json", "404 Not Found")
        self.offered |= {tool["name"] for tool in asked.json.get("tools", [])}
        self.told += json.dumps([asked.json.get("system"), asked.json["messages"]])
        self.results = [
            part["content"]
            for message in asked.json["messages"]
            if isinstance(message["content"], list)
            for part in message["content"]
            if part["type"] == "tool_result"
        ]
        if len(self.results) < len(self.calls):
            name, arguments = self.calls[len(self.results)]
            block = {"type": "tool_use", "id": f"toolu_{len(self.results)}", "name": name, "input": {}}
            piece = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
            return self._said(block, piece, "tool_use")
        return self._said({"type": "text", "text": ""}, {"type": "text_delta", "text": self.goodbye}, "end_turn")

    def _said(self, block: dict[str, Any], piece: dict[str, Any], why: str) -> Reply:
        message = {
            "id": "msg_0",
            "type": "message",
            "role": "assistant",
            "model": "scripted",
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        events = (
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": piece},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": why}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        )
        lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
        return whole("".join(lines).encode(), "text/event-stream")
