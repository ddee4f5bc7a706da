"""Whom to talk with.  In: the options that name an agent.  Out: that agent, running."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import click
from attrs import field, frozen

from actors.ports import Agent

from . import options

EXAMPLES = (
    "--llm-url http://localhost:11434/v1",
    "--agent-command 'python my_agent.py'",
    "--agent my_module:answer",
)


def one_utf8(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else options.all_utf8(context, parameter, (value,))[0]


agent_options = options.together(
    click.option(
        "--llm-url",
        metavar="URL",
        callback=one_utf8,
        help="An OpenAI-compatible endpoint, up to /v1.  Its key is taken from VOICEMODE_LLM_KEY.",
    ),
    click.option("--llm-model", metavar="NAME", callback=one_utf8, help="Its model.  [default: the first it lists]"),
    click.option("--system", metavar="TEXT", callback=one_utf8, help="Instructions for the model instead of ours."),
    click.option(
        "--agent-command",
        metavar="COMMAND",
        callback=one_utf8,
        help="A program that reads a line for each thing said and writes its answer in lines, an empty one last.",
    ),
    click.option(
        "--agent",
        "agent_path",
        metavar="MODULE:NAME",
        callback=one_utf8,
        help="A function of Python's that is called with the transcript and the history and gives text.",
    ),
)


@frozen(kw_only=True)
class AgentChoice:
    """Exactly one of ``url``, ``command`` and ``path`` is given; ``keys`` as in ``Settings``."""

    url: str | None
    model: str | None
    system: str | None
    command: str | None
    path: str | None
    keys: Mapping[str, str] = field(factory=dict[str, str], repr=False)

    def check(self) -> None:
        """Raises click.UsageError unless this names one agent."""
        given = [value for value in (self.url, self.command, self.path) if value is not None]
        if len(given) != 1:
            problem = "Nobody to talk with is named" if not given else "More than one agent is named"
            raise click.UsageError(f"{problem}: give one of {', '.join(EXAMPLES[:2])} and {EXAMPLES[2]}.")
        if self.url is None and (self.model or self.system) is not None:
            raise click.UsageError("--llm-model and --system go with --llm-url.")

    @asynccontextmanager
    async def running(self, tell: Callable[[str], None]) -> AsyncGenerator[Agent]:
        """The agent; ``tell`` is given what a program says on its standard error.

        Raises SettingsError and ProviderError when it cannot be had.
        """
        if self.url is not None:
            from ..agents.chat import SYSTEM, ChatAgent, key_from

            system = SYSTEM if self.system is None else self.system
            key = key_from(self.keys or os.environ, self.url)
            async with ChatAgent(self.url, model=self.model, key=key, system=system) as chat:
                yield chat
        elif self.command is not None:
            from ..agents.command import running_command

            async with running_command(self.command, tell=tell) as program:
                yield program
        else:
            from ..agents.imported import AgentMissing, find_agent, guarded

            path = self.path or ""
            try:
                yield guarded(find_agent(path, Path.cwd()), path)
            except AgentMissing as error:
                raise click.BadParameter(str(error), param_hint="--agent") from error
