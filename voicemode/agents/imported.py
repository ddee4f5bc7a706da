"""Finds an agent in somebody's own module: an import path in, something that can be called out."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from operator import attrgetter
from pathlib import Path
from typing import cast

from actors.errors import VoiceError
from actors.messages import Message
from actors.ports import Agent

from .answering import answer


class AgentMissing(Exception):
    """There is no such agent; the message says why."""


class AgentFailed(VoiceError):
    """An agent raised something of its own; what it was to say is not said."""


def guarded(agent: Agent, path: str) -> Agent:
    """``agent``, but what it raises becomes a sentence that says where."""

    async def words(transcript: str, history: Sequence[Message], /) -> AsyncIterator[str]:
        try:
            async with aclosing(answer(agent, transcript, history)) as stream:
                async for text in stream:
                    yield text
        except VoiceError:
            raise
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise AgentFailed(
                f"The agent {path} raised {type(error).__name__}: {error} "
                f"({Path(place.filename).name}, line {place.lineno})."
            ) from error

    return words


def find_agent(path: str, folder: Path) -> Agent:
    """Import ``module:attribute``.

    As for a program of Python's, the modules in ``folder`` come first, from now on.  Blocks for as long as the module
    takes.  Raises AgentMissing.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise AgentMissing(f"{path!r} is not an import path; write module:attribute, as in assistant.main:answer.")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise AgentMissing(
            f"There is no module {error.name}; it is looked for in {folder} and among what is installed."
        ) from error
    except (Exception, SystemExit) as error:
        raise AgentMissing(f"{module_name} cannot be imported: {type(error).__name__}: {error}.") from error
    try:
        agent: object = attrgetter(attribute)(module)
    except AttributeError as error:
        raise AgentMissing(f"{module_name} has no {attribute}.") from error
    if not callable(agent) or isinstance(agent, type):
        raise AgentMissing(f"{path} cannot be called with what the user said; name a function.")
    return cast("Agent", agent)
