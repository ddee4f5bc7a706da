"""The prompts: what a person picks in a client's menu, and what the model is then told."""

from __future__ import annotations

from collections.abc import Mapping

from mcp_types import GetPromptResult, Prompt, PromptMessage, TextContent

CONVERSE = """\
Talk with the user with the tool converse, turn after turn, until they want to end it.
Keep what you say to a sentence or two; a screen is the place for lists and code.
When they interrupt you, heard is what they heard: do not repeat it, and go on from what they said.
When nobody answers, ask once more, then stop.
"""

SETUP = """\
Help the user to set up voicemode. Call the tool service and say in a sentence or two what works: which engines listen
and speak, which microphones and speakers there are. Where something is missing, say what to do: voicemode devices
--test checks a microphone and a speaker, voicemode providers the engines, voicemode config the settings. Then say a
short sentence with converse and ask whether it was heard.
"""

PROMPTS: Mapping[str, tuple[str, str]] = {
    "converse": ("Have a voice conversation", CONVERSE),
    "setup": ("Find out what of the voice works, and set up the rest", SETUP),
}


def listed() -> list[Prompt]:
    return [Prompt(name=name, description=about) for name, (about, _) in PROMPTS.items()]


def prompt(name: str) -> GetPromptResult:
    """Raises KeyError when there is none of that name."""
    about, text = PROMPTS[name]
    return GetPromptResult(
        description=about, messages=[PromptMessage(role="user", content=TextContent(type="text", text=text))]
    )
