"""What to do about an engine's failure: the error in, the next step out."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..errors import ProviderError

Remedy: TypeAlias = Literal["retry", "go_on", "stop"]
"""Ask the same engine again, ask the next one, or ask nobody."""

AGAIN = frozenset({"died"})
"""A connection that dies says little of the engine: it may have been kept too long, or the engine is just restarted."""

REQUEST = frozenset({"refused", "voice"})
"""The request makes no sense to the engine (400, 422), and would make none to another; so does a voice that nobody
has, for one that only some have is asked of those."""

ATTEMPTS = 2


def remedy_for(error: ProviderError, attempt: int) -> Remedy:
    """``attempt`` counts from 1 how often this engine has been asked for the same thing.

    Everything that is neither in ``AGAIN`` nor in ``REQUEST`` is for the next engine: one that is busy, broken, not
    there or too slow, that does not take the key, the length or the format, or that gave no speech or no transcript.
    """
    if error.code in REQUEST:
        return "stop"
    return "retry" if error.code in AGAIN and attempt < ATTEMPTS else "go_on"
