"""The side of whoever controls.  In: the socket's path and a command.  Out: the conversation's answer, in time."""

from __future__ import annotations

from pathlib import Path

import trio

from actors.errors import VoiceError

from ..sockets.lines import exchange
from .controllable import Command
from .protocol import LONGEST_LINE, Answer, Request, answer_in, line_of

DEADLINE = 2.0
"""Seconds a conversation may take to answer; it takes a few milliseconds."""


class NobodyListens(VoiceError):
    """There is no conversation that can be controlled at this socket."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"No conversation can be controlled at {path}: start one with voicemode talk --control, or switch it on "
            "for all with voicemode config set VOICEMODE_CONTROL_CHANNEL_ENABLED true."
        )


async def ask(path: Path, command: Command) -> Answer:
    """Let the conversation that is controlled at ``path`` do it.

    Raises NobodyListens, and VoiceError for a conversation that refuses or does not answer within two seconds.
    """
    try:
        with trio.fail_after(DEADLINE):
            line = await exchange(path, line_of(Request(command=command)), LONGEST_LINE)
        answer = answer_in(line)
    except trio.TooSlowError as error:
        raise VoiceError(f"The conversation at {path} did not answer within {DEADLINE:g} s.") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NobodyListens(path) from error
    except OSError as error:
        raise VoiceError(f"{path} cannot be reached: {error.strerror or error}.") from error
    except (trio.BrokenResourceError, ValueError) as error:
        raise VoiceError(f"Whoever listens at {path} gave no answer that can be understood.") from error
    if not answer.ok:
        raise VoiceError(answer.error or "The conversation refused and did not say why.")
    return answer
