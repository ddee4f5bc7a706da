"""The server: what is configured in, an answer to every request of one client out, until it goes.

Nothing that takes time is loaded before the client has been told of the tools; then the conversation is opened while
nobody is waiting for it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import trio
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListToolsResult,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from actors.errors import SettingsError, VoiceError
from voicemode import Settings
from voicemode.config import Configuration, settings_of

from . import prompts, resources, tools
from .converse import Converse
from .statistics import Statistics
from .stdio import serve_stdio
from .terms import Terms
from .voice import Voice

if TYPE_CHECKING:
    from .wakeable import Wakeable

log = logging.getLogger(__name__)

INSTRUCTIONS = "Talk with the user: converse says something and returns what they answer."

MEND = "Nothing was done. Settings are read when the server starts: restart it when they are right."

READY = 0.5
"""Seconds after which the conversation is opened though no call has asked for it."""


async def serve(configuration: Configuration, terms: Terms) -> int | None:
    """Until the client goes; returns the number of a signal that came, if one did.

    What is configured wrongly stops nothing here: clients do not show why a server has ended, but they show a model
    what a tool answers.
    """
    terms = terms.among((*tools.NAMES, *tools.REACHED))
    return await serve_stdio(partial(_serve, configuration, terms, _fault(configuration, terms)))


def _fault(configuration: Configuration, terms: Terms) -> SettingsError | None:
    try:
        configuration.refuse()
        terms.check((*tools.NAMES, *(tools.REACHED if _may_be_reached(configuration) else ())))
    except SettingsError as error:
        log.warning("%s", error)
        return SettingsError(f"{error}\n{MEND}")
    return None


def _may_be_reached(configuration: Configuration) -> bool:
    return bool(configuration.values["VOICEMODE_CONNECT_ENABLED"].value)


@asynccontextmanager
async def _registering(configuration: Configuration, settings: Settings) -> AsyncGenerator[Wakeable | None]:
    """What takes time to load is not loaded for those who may not be reached."""
    if not _may_be_reached(configuration):
        yield None
        return
    from .wakeable import wakeable

    async with wakeable(configuration, settings) as registered:
        yield registered


async def _serve(
    configuration: Configuration, terms: Terms, fault: SettingsError | None, reading: Any, writing: Any
) -> None:
    settings = settings_of(configuration) if fault is None else Settings()
    async with _registering(configuration, settings) as registered, trio.open_nursery() as nursery:
        voice, statistics = Voice(nursery), Statistics()
        converse = Converse(voice, settings, nursery, statistics=statistics, terms=terms)
        there = tools.specs(converse, voice, settings, registered)
        offered = [spec for spec in there if terms.offers(spec.name)] or there
        readable = resources.specs(settings, configuration, statistics)
        if fault is None:
            nursery.start_soon(_warm_up, voice, settings)
        else:
            offered = [tools.failing(spec, fault) for spec in offered]
            readable = [resources.failing(spec, fault) if spec.by_settings else spec for spec in readable]
        server = server_of(offered, readable, wish=registered.wish if registered else "")
        await server.run(reading, writing, server.create_initialization_options())
        nursery.cancel_scope.cancel("the client has gone")


async def _warm_up(voice: Voice, settings: Settings) -> None:
    await trio.sleep(READY)
    try:
        await voice.open(settings)
    except VoiceError as error:
        log.info("not ready: %s", error)


def server_of(offered: Any, readable: Any, *, wish: str = "") -> Server[Any]:
    """The SDK's server with our tools, resources and prompts; ``wish`` is one more thing that the model is told."""
    by_name = {spec.name: spec for spec in offered}
    by_uri = {spec.uri: spec for spec in readable}

    async def list_tools(_: Any, __: Any) -> ListToolsResult:
        return ListToolsResult(tools=[spec.listed() for spec in offered])

    async def call_tool(context: Any, asked: CallToolRequestParams) -> CallToolResult:
        if asked.name not in by_name:
            raise MCPError(INVALID_PARAMS, f"There is no tool {asked.name}; there is {', '.join(by_name)}.")
        return await tools.called(by_name[asked.name], asked.arguments, context)

    async def list_resources(_: Any, __: Any) -> ListResourcesResult:
        return ListResourcesResult(resources=[spec.listed() for spec in readable])

    async def read_resource(_: Any, asked: ReadResourceRequestParams) -> ReadResourceResult:
        spec = by_uri.get(str(asked.uri))
        if spec is None:
            raise MCPError(INVALID_PARAMS, f"There is nothing at {asked.uri}.")
        try:
            return await resources.read(spec)
        except VoiceError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error

    async def list_prompts(_: Any, __: Any) -> ListPromptsResult:
        return ListPromptsResult(prompts=prompts.listed())

    async def get_prompt(_: Any, asked: GetPromptRequestParams) -> GetPromptResult:
        if asked.name not in prompts.PROMPTS:
            raise MCPError(INVALID_PARAMS, f"There is no prompt {asked.name}; there is {', '.join(prompts.PROMPTS)}.")
        return prompts.prompt(asked.name)

    return Server(
        "voicemode",
        version=version("voicemode"),
        instructions=f"{INSTRUCTIONS} {wish}".rstrip(),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )
