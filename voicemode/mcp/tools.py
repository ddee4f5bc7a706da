"""The tools: what a client is told of each, and who answers a call of it.

In: a name and its arguments.  Out: a structure and a text, or an error whose sentence the model can act on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from attrs import evolve, frozen
from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations

from actors.errors import ProviderError, VoiceError
from voicemode import Settings

from .answers import ConverseAnswer
from .arguments import Arguments, ConverseArguments, checked, schema_of
from .caller import Caller, caller_of
from .control import ControlArguments, press
from .converse import Converse
from .service import ServiceArguments, VoicesArguments, service, voices
from .transcribe import TranscribeArguments, transcribe
from .voice import Voice

if TYPE_CHECKING:
    from .wakeable import Wakeable


@frozen(kw_only=True)
class ToolSpec:
    """``answer`` is given checked arguments; what it gives says in words what it holds with ``in_words``.  ``gives`` is
    told to clients where they may want to rely on it; every schema costs context."""

    name: str
    about: str
    takes: type[Arguments]
    gives: type[msgspec.Struct] | None = None
    answer: Callable[[Any, Caller], Awaitable[Any]]
    read_only: bool = False

    def listed(self) -> Tool:
        return Tool(
            name=self.name,
            description=self.about,
            input_schema=schema_of(self.takes),
            output_schema=None if self.gives is None else schema_of(self.gives),
            annotations=ToolAnnotations(
                read_only_hint=self.read_only,
                destructive_hint=False,
                idempotent_hint=self.read_only,
                open_world_hint=False,
            ),
        )


NAMES = ("converse", "control", "transcribe", "service", "voices")

REGISTER, REPLY = "register_wakeable", "reply"
REACHED = (REGISTER, REPLY)
"""Are there as well where agents may be reached."""

CONVERSE = (
    "Speak to the user and listen to the answer; the user can interrupt you, and heard is then what they heard of it. "
    "Keep what you say short. If the outcome is still_listening, call again with resume."
)


def specs(converse: Converse, voice: Voice, settings: Settings, wakeable: Wakeable | None = None) -> Sequence[ToolSpec]:
    always = (
        ToolSpec(
            name="converse",
            about=CONVERSE,
            takes=ConverseArguments,
            gives=ConverseAnswer,
            answer=converse.call,
        ),
        ToolSpec(
            name="control",
            about="Press a button of the conversation that is running; stop ends it, also one under a resume.",
            takes=ControlArguments,
            answer=lambda given, _: press(voice, converse, given),
        ),
        ToolSpec(
            name="transcribe",
            about="The words in an audio file, or in all recordings whose words are still owed.",
            takes=TranscribeArguments,
            answer=lambda given, _: transcribe(settings, given),
        ),
        ToolSpec(
            name="service",
            about="Which speech engines and devices there are, and whether they answer now.",
            takes=ServiceArguments,
            answer=lambda given, _: service(settings, given, wakeable),
            read_only=True,
        ),
        ToolSpec(
            name="voices",
            about="The voices of every engine that speaks.",
            takes=VoicesArguments,
            answer=lambda given, _: voices(settings, given),
            read_only=True,
        ),
    )
    return always if wakeable is None else (*always, registering(wakeable), replying(settings))


def registering(wakeable: Wakeable) -> ToolSpec:
    from .wakeable import RegisterArguments

    return ToolSpec(
        name=REGISTER,
        about="Be woken by messages from the user's other devices, in your team's inbox, until this session ends.",
        takes=RegisterArguments,
        answer=lambda given, _: wakeable.register(given),
    )


def replying(settings: Settings) -> ToolSpec:
    from .reply import ReplyArguments, reply

    return ToolSpec(
        name=REPLY,
        about="Speak to the user at their other devices, as when a message came from there.",
        takes=ReplyArguments,
        answer=lambda given, _: reply(settings, given),
    )


def failing(spec: ToolSpec, error: VoiceError) -> ToolSpec:
    """The same, but that it does nothing and every call is answered with ``error``."""

    async def answer(_: Any, __: Caller) -> Any:
        raise error

    return evolve(spec, answer=answer)


async def called(spec: ToolSpec, arguments: Mapping[str, Any] | None, context: Any) -> CallToolResult:
    """What cannot be is no failure of the server: the model reads why."""
    try:
        answer = await spec.answer(checked(spec.takes, arguments), caller_of(context))
    except VoiceError as error:
        return CallToolResult(content=[TextContent(type="text", text=_sentence(error))], is_error=True)
    return CallToolResult(
        content=[TextContent(type="text", text=answer.in_words())],
        structured_content=msgspec.to_builtins(answer),
    )


def _sentence(error: VoiceError) -> str:
    """With the tool that helps, where there is one."""
    about_voice = isinstance(error, ProviderError) and error.code == "voice"
    return f"{error} The tool voices lists those there are." if about_voice else str(error)
