"""What a program may give to be said, or to answer the user.  In: what it gave.  Out: an error where that cannot be."""

from __future__ import annotations

from typing import Final

RAW: Final = (bytes, bytearray)
"""Streams of numbers, which nobody means to have said."""


def check_speech(speech: object, *streams: type) -> None:
    """Raises TypeError unless it is a text, an agent or one of ``streams`` of text."""
    if isinstance(speech, RAW) or not (isinstance(speech, (str, *streams)) or callable(speech)):
        raise TypeError(f"What is said is a text, a stream of text or an agent, not {type(speech).__name__}.")


def check_agent(agent: object) -> None:
    """Raises TypeError for what cannot be called."""
    if not callable(agent):
        raise TypeError(
            "A talk is held with an agent, which is called with what the user has said and gives the answer, not with "
            f"{type(agent).__name__}."
        )
