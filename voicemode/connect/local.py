"""Asks the process that holds the link, from any other of the same user.  In: a request.  Out: its answer, in time."""

from __future__ import annotations

from pathlib import Path

import trio

from actors.errors import VoiceError

from ..sockets.lines import exchange
from .local_protocol import LONGEST_LINE, Answer, Say, Status, answer_in, line_of, socket_in
from .speaking import A_CHARACTER, ACCEPTED

MOMENT = 2.0
"""Seconds for the answer to what takes no time."""


class NoLink(VoiceError):
    """No process on this machine holds the link."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing on this machine holds the link to the gateway: start voicemode connect up, and leave it running."
        )


async def ask(base: Path, request: Say | Status) -> Answer:
    """``base`` is VOICEMODE_BASE_DIR.  Raises NoLink, and VoiceError for a refusal or no answer in time."""
    path = socket_in(base)
    deadline = MOMENT
    if isinstance(request, Say):
        deadline += 2 * ACCEPTED + A_CHARACTER * len(request.text) + (request.patience if request.listen else 0)
    try:
        with trio.fail_after(deadline):
            answer = answer_in(await exchange(path, line_of(request), LONGEST_LINE))
    except trio.TooSlowError as error:
        raise VoiceError(f"The process that holds the link did not answer within {deadline:.0f} s.") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NoLink from error
    except OSError as error:
        raise VoiceError(f"{path} cannot be reached: {error.strerror or error}.") from error
    except (trio.BrokenResourceError, ValueError) as error:
        raise VoiceError(f"Whoever listens at {path} gave no answer that can be understood.") from error
    if not answer.ok:
        raise VoiceError(answer.error or "The process that holds the link refused and did not say why.")
    return answer
