"""``voicemode control COMMAND``: press a button of a conversation that another process holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio

from ..control.controllable import COMMANDS as ALL, Command
from . import options
from .output import write_json, write_line

if TYPE_CHECKING:
    from ..control.protocol import StatusAnswer

COMMANDS: Mapping[str, Command] = {name.replace("_", "-"): name for name in ALL}


@click.command()
@click.argument("command", type=click.Choice(list(COMMANDS)), metavar="COMMAND")
@options.together(options.control_socket, options.as_json)
def control(command: str, socket: Path, as_json: bool) -> None:
    """Control the conversation that another process holds with --control.

    COMMAND is pause or resume for what is being said, skip-back or skip-forward in it, repeat to hear the last of it
    again, interrupt to silence the assistant and be listened to, end-turn when you have said all, mute or unmute for
    yourself, stop to end the turn and a talk with it, or status to see how it stands.
    """
    import msgspec

    from ..control.client import ask
    from ..control.protocol import StatusAnswer

    answer = trio.run(ask, socket, COMMANDS[command])
    if as_json:
        write_json(msgspec.to_builtins(answer))
    elif isinstance(answer, StatusAnswer):
        write_line(_in_words(answer))


def _in_words(status: StatusAnswer) -> str:
    words: list[str] = [status.state]
    if status.held:
        words.append("paused")
    if status.muted:
        words.append("you are muted")
    if status.turn is not None:
        words.append(f"turn {status.turn}")
    if status.recent:
        words.append(f"{status.recent} to hear again")
    return ", ".join(words)
